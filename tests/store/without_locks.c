/* A disk without locks, for processes that load this before libc: flock and fcntl's locks are refused. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#ifndef REFUSAL
#define REFUSAL ENOLCK
#endif

int flock(int descriptor, int operation) {
    (void)descriptor;
    (void)operation;
    errno = REFUSAL;
    return -1;
}

int fcntl(int descriptor, int command, ...) {
    static int (*real)(int, int, ...);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) {
        errno = REFUSAL;
        return -1;
    }
    if (!real)
        real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
    return real(descriptor, command, argument);
}
