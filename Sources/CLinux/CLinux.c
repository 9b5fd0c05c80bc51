#include "CLinux.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/// Where each signal is told, plus one; 0 is nowhere.
static _Atomic int catchers[65];

static void tell(int number) {
    int saved = errno;
    int descriptor = atomic_load(&catchers[number]) - 1;
    unsigned char byte = (unsigned char)number;
    // A full pipe holds enough of them already.
    if (descriptor >= 0 && write(descriptor, &byte, 1) < 0) { }
    errno = saved;
}

int linux_catch_signal(int number, int descriptor) {
    if (number < 1 || number > 64) {
        errno = EINVAL;
        return -1;
    }
    atomic_store(&catchers[number], descriptor + 1);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = tell;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

int linux_release_signal(int number) {
    if (number < 1 || number > 64) {
        errno = EINVAL;
        return -1;
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    int answer = sigaction(number, &action, NULL);
    atomic_store(&catchers[number], 0);
    return answer;
}
