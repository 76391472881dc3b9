/* The floor: an NSS module that answers from constants. What is left is glibc's: its stat of
 * nsswitch.conf, its dispatch, and one copy into the caller's buffer.
 *
 * It knows one user, one group of 15 members (floor15), one of 3,000 (floor3000), 40 gids, and
 * nobody else. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define API __attribute__((visibility("default")))
#define MANY 3000
#define NAME_LENGTH 9 /* user0001 and its NUL */
#ifndef GIDS
#define GIDS 40
#endif

static const char USER[] = "alice\0*\0Alice Example\0/home/alice\0/bin/bash";
static char names[MANY][NAME_LENGTH];

__attribute__((constructor)) static void name_all(void) {
    for (int i = 0; i < MANY; i++) snprintf(names[i], NAME_LENGTH, "user%04d", (i + 1) % 10000);
}

static enum nss_status too_small(int *error) {
    *error = ERANGE;
    return NSS_STATUS_TRYAGAIN;
}

static enum nss_status fill_user(struct passwd *entry, char *buffer, size_t size, int *error) {
    if (size < sizeof USER) return too_small(error);
    memcpy(buffer, USER, sizeof USER);
    entry->pw_name = buffer;
    entry->pw_passwd = buffer + 6;
    entry->pw_uid = 1842601107;
    entry->pw_gid = 1842600513;
    entry->pw_gecos = buffer + 8;
    entry->pw_dir = buffer + 22;
    entry->pw_shell = buffer + 34;
    return NSS_STATUS_SUCCESS;
}

API enum nss_status _nss_floor_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
                                          int *error) {
    return strcmp(name, "alice") == 0 ? fill_user(entry, buffer, size, error) : NSS_STATUS_NOTFOUND;
}

API enum nss_status _nss_floor_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error) {
    return uid == 1842601107 ? fill_user(entry, buffer, size, error) : NSS_STATUS_NOTFOUND;
}

API enum nss_status _nss_floor_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
                                          int *error) {
    size_t count = strcmp(name, "floor3000") == 0 ? MANY : strcmp(name, "floor15") == 0 ? 15 : 0;
    if (count == 0) return NSS_STATUS_NOTFOUND;
    size_t own = strlen(name) + 1, align = -(uintptr_t)buffer % sizeof(char *);
    size_t list = (count + 1) * sizeof(char *), text = count * NAME_LENGTH;
    if (size < align + list + text + own + 2) return too_small(error);
    char **members = (char **)(void *)(buffer + align);
    char *place = buffer + align + list;
    memcpy(place, names, text);
    for (size_t i = 0; i < count; i++) members[i] = place + i * NAME_LENGTH;
    members[count] = NULL;
    memcpy(place + text, name, own);
    memcpy(place + text + own, "*", 2);
    entry->gr_name = place + text;
    entry->gr_passwd = place + text + own;
    entry->gr_gid = 1842602000;
    entry->gr_mem = members;
    return NSS_STATUS_SUCCESS;
}

API enum nss_status _nss_floor_initgroups_dyn(const char *name, gid_t group, long *start, long *size, gid_t **gids,
                                              long limit, int *error) {
    (void)group, (void)limit, (void)error;
    if (strcmp(name, "alice") != 0) return NSS_STATUS_NOTFOUND;
    for (gid_t i = 0; i < GIDS && *start < *size; i++) (*gids)[(*start)++] = 1842602000 + i;
    return NSS_STATUS_SUCCESS;
}
