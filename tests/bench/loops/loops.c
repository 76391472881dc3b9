/* What programs do, timed: the same loops for every source of names, through glibc and libpam.
 *
 *   loops getpwnam  BATCH SAMPLES NAME...     warm: each sample is the mean of BATCH calls
 *   loops getpwuid  BATCH SAMPLES ID...
 *   loops getgrnam  BATCH SAMPLES NAME...
 *   loops initgroups BATCH SAMPLES NAME...    as login programs call it, through getgrouplist
 *   loops missing   BATCH SAMPLES NAME...     a name that nobody has
 *   loops first     1 SAMPLES NAME            getpwnam as the first call of a new process
 *   loops login     SERVICE SAMPLES NAME      auth and account; the password is on standard input
 *
 * Given several names, sample N is of name N, modulo their number: with BATCH 1 and as many names
 * as samples each is asked for once. Prints nanoseconds per call, one sample a line. An answer
 * that is not the expected one ends it with 1: a fast wrong answer is no figure. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1 << 20)
#define GROUPS 4096
/* Between two logins: a person does not log in before the last answer is read. */
#define PAUSE_NS 250000000L

static char buffer[BUFFER];
static gid_t groups[GROUPS];
static char password[256];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what, const char *name) {
    fprintf(stderr, "loops: %s gave no expected answer for '%s' (%s)\n", what, name, strerror(errno));
    exit(1);
}

static void by_name(const char *name) {
    struct passwd entry, *found = NULL;
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL) die("getpwnam", name);
}

static void by_id(const char *id) {
    struct passwd entry, *found = NULL;
    if (getpwuid_r((uid_t)strtoul(id, NULL, 10), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        die("getpwuid", id);
}

static void group_by_name(const char *name) {
    struct group entry, *found = NULL;
    if (getgrnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL) die("getgrnam", name);
}

static void groups_of(const char *name) {
    int count = GROUPS;
    if (getgrouplist(name, 65534, groups, &count) < 2) die("initgroups", name);
}

static void nobody(const char *name) {
    struct passwd entry, *found = NULL;
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found != NULL) die("a missing name", name);
}

static void repeat(void (*call)(const char *), long batch, long samples, int names, char **name) {
    for (long sample = 0; sample < samples; sample++) {
        const char *one = name[sample % names];
        double start = now();
        for (long turn = 0; turn < batch; turn++) call(one);
        printf("%.1f\n", (now() - start) / (double)batch);
    }
}

static void in_new_processes(const char *self, long samples, const char *name) {
    for (long sample = 0; sample < samples; sample++) {
        pid_t child = fork();
        if (child == 0) {
            execl(self, "loops", "getpwnam", "1", "1", name, (char *)NULL);
            _exit(127);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) die("a new process", name);
    }
}

static int answer(int count, const struct pam_message **asked, struct pam_response **given, void *unused) {
    (void)unused;
    struct pam_response *all = calloc((size_t)count, sizeof *all);
    if (all == NULL) return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        if (asked[i]->msg_style == PAM_PROMPT_ECHO_OFF) all[i].resp = strdup(password);
    *given = all;
    return PAM_SUCCESS;
}

static void log_in(const char *service, long samples, const char *name) {
    struct pam_conv conversation = {answer, NULL};
    struct timespec pause = {0, PAUSE_NS};
    for (long sample = 0; sample < samples; sample++) {
        pam_handle_t *handle = NULL;
        nanosleep(&pause, NULL);
        double start = now();
        if (pam_start(service, name, &conversation, &handle) != PAM_SUCCESS) die("pam_start", name);
        int code = pam_authenticate(handle, 0);
        if (code == PAM_SUCCESS) code = pam_acct_mgmt(handle, 0);
        pam_end(handle, code);
        double took = now() - start;
        if (code != PAM_SUCCESS) die("a login", name);
        printf("%.1f\n", took);
    }
}

int main(int count, char **word) {
    if (count < 5) {
        fprintf(stderr, "usage: loops KIND BATCH SAMPLES NAME...\n");
        return 2;
    }
    const char *kind = word[1];
    long batch = atol(word[2]), samples = atol(word[3]);
    char **names = word + 4;
    if (strcmp(kind, "first") == 0) {
        in_new_processes("/proc/self/exe", samples, names[0]);
    } else if (strcmp(kind, "login") == 0) {
        if (fgets(password, sizeof password, stdin) == NULL) return 2;
        password[strcspn(password, "\n")] = '\0';
        log_in(word[2], samples, names[0]);
    } else if (strcmp(kind, "getpwnam") == 0) {
        repeat(by_name, batch, samples, count - 4, names);
    } else if (strcmp(kind, "getpwuid") == 0) {
        repeat(by_id, batch, samples, count - 4, names);
    } else if (strcmp(kind, "getgrnam") == 0) {
        repeat(group_by_name, batch, samples, count - 4, names);
    } else if (strcmp(kind, "initgroups") == 0) {
        repeat(groups_of, batch, samples, count - 4, names);
    } else if (strcmp(kind, "missing") == 0) {
        repeat(nobody, batch, samples, count - 4, names);
    } else {
        fprintf(stderr, "loops: no loop is called '%s'\n", kind);
        return 2;
    }
    return 0;
}
