/* Many names, timed: what a program pays that asks for one after another of them.
 *
 *   many user    FILE BATCH SKIP SAMPLES   getpwnam_r through glibc
 *   many group   FILE BATCH SKIP SAMPLES   getgrnam_r through glibc
 *   many module  FILE BATCH SKIP SAMPLES   _nss_ldaps_getpwnam_r of libnss_ldaps.so.2, without glibc
 *   many first   FILE 1     0    SAMPLES   getpwnam_r as the first call of a new process
 *   many memory  FILE BYTES                reads of a new file of this length, mapped, each of which waits
 *                                          for the one before: what no look-up in such a file can beat
 *
 * FILE holds a name a line; they are asked for in its order, from the beginning again at its end. The
 * first SKIP calls are not timed. Prints nanoseconds per call, the mean of BATCH calls a line. An
 * answer that is not the expected one ends it with 1: a fast wrong answer is no figure. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (64 << 20)
#define LINE 64 /* bytes that one read of memory brings */
#define READS 100000

typedef enum nss_status (*by_name)(const char *, struct passwd *, char *, size_t, int *);

static char *buffer;
static by_name in_module;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what, const char *name) {
    fprintf(stderr, "many: %s gave no expected answer for '%s' (%s)\n", what, name, strerror(errno));
    exit(1);
}

static void user(const char *name) {
    struct passwd entry, *found = NULL;
    if (getpwnam_r(name, &entry, buffer, BUFFER, &found) != 0 || found == NULL || strcmp(found->pw_name, name) != 0)
        die("getpwnam", name);
}

static void group(const char *name) {
    struct group entry, *found = NULL;
    if (getgrnam_r(name, &entry, buffer, BUFFER, &found) != 0 || found == NULL || strcmp(found->gr_name, name) != 0)
        die("getgrnam", name);
}

static void module(const char *name) {
    struct passwd entry;
    int error = 0;
    if (in_module(name, &entry, buffer, BUFFER, &error) != NSS_STATUS_SUCCESS || strcmp(entry.pw_name, name) != 0)
        die("the module", name);
}

static by_name load(void) {
    void *library = dlopen("libnss_ldaps.so.2", RTLD_NOW);
    void *symbol = library == NULL ? NULL : dlsym(library, "_nss_ldaps_getpwnam_r");
    if (symbol == NULL) die("dlopen", "libnss_ldaps.so.2");
    by_name function;
    memcpy(&function, &symbol, sizeof function);
    return function;
}

/* The file's names, each ended by a NUL, and where they end. */
static char *names_of(const char *file, char **end) {
    int descriptor = open(file, O_RDONLY);
    struct stat found;
    if (descriptor < 0 || fstat(descriptor, &found) != 0 || found.st_size == 0) die("the file of names", file);
    char *names = malloc((size_t)found.st_size);
    for (off_t done = 0; names != NULL && done < found.st_size;) {
        ssize_t got = read(descriptor, names + done, (size_t)(found.st_size - done));
        if (got <= 0) die("the file of names", file);
        done += got;
    }
    if (names == NULL) die("the file of names", file);
    *end = names + found.st_size;
    for (char *byte = names; byte < *end; byte++)
        if (*byte == '\n') *byte = '\0';
    return names;
}

static void in_new_processes(const char *file, long samples) {
    for (long sample = 0; sample < samples; sample++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "many", "user", file, "1", "0", "1", (char *)NULL);
            _exit(127);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) die("a new process", file);
    }
}

/* A walk through all lines of the file in random order: each says which is the next. */
static void read_memory(const char *file, size_t bytes) {
    int descriptor = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)bytes) != 0) die("a new file", file);
    unlink(file);
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    size_t lines = bytes / LINE;
    uint32_t *order = malloc(lines * sizeof *order);
    if (memory == MAP_FAILED || order == NULL || lines == 0) die("memory", file);
    for (size_t i = 0; i < lines; i++) order[i] = (uint32_t)i;
    uint64_t dice = 12345;
    for (size_t i = lines - 1; i > 0; i--) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        size_t other = (size_t)(dice >> 33) % (i + 1);
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < lines; i++) *(uint32_t *)(void *)(memory + (size_t)order[i] * LINE) = order[(i + 1) % lines];
    free(order);
    uint32_t at = 0;
    for (int sample = 0; sample < 31; sample++) {
        double start = now();
        for (int i = 0; i < READS; i++) at = *(volatile uint32_t *)(void *)(memory + (size_t)at * LINE);
        printf("%.1f\n", (now() - start) / READS);
    }
}

static void repeat(void (*call)(const char *), const char *file, long batch, long skip, long samples) {
    char *end, *names = names_of(file, &end), *name = names;
    for (long sample = -1; sample < samples; sample++) {
        long calls = sample < 0 ? skip : batch;
        double start = now();
        for (long turn = 0; turn < calls; turn++) {
            call(name);
            name += strlen(name) + 1;
            if (name >= end) name = names;
        }
        if (sample >= 0) printf("%.1f\n", (now() - start) / (double)calls);
    }
}

int main(int count, char **word) {
    if (count == 4 && strcmp(word[1], "memory") == 0) {
        read_memory(word[2], strtoul(word[3], NULL, 10));
        return 0;
    }
    if (count != 6 || (buffer = malloc(BUFFER)) == NULL) {
        fprintf(stderr, "usage: many KIND FILE BATCH SKIP SAMPLES\n");
        return 2;
    }
    const char *kind = word[1], *file = word[2];
    long batch = atol(word[3]), skip = atol(word[4]), samples = atol(word[5]);
    if (strcmp(kind, "first") == 0) {
        in_new_processes(file, samples);
    } else if (strcmp(kind, "module") == 0) {
        in_module = load();
        repeat(module, file, batch, skip, samples);
    } else if (strcmp(kind, "user") == 0) {
        repeat(user, file, batch, skip, samples);
    } else if (strcmp(kind, "group") == 0) {
        repeat(group, file, batch, skip, samples);
    } else {
        fprintf(stderr, "many: no loop is called '%s'\n", kind);
        return 2;
    }
    return 0;
}
