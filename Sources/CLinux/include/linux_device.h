// Loop devices and terminals.
#pragma once

#include <linux/loop.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

static inline int linux_loop_get_free(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }
/// Binds a file to a loop device that frees itself with its last user.
static inline int linux_loop_configure(int device, int file, uint32_t flags, uint64_t offset, uint64_t size) {
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (uint32_t)file;
    config.info.lo_flags = flags;
    config.info.lo_offset = offset;
    config.info.lo_sizelimit = size;
    return ioctl(device, LOOP_CONFIGURE, &config);
}

static inline int linux_window_size(int fd, unsigned short *rows, unsigned short *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
static inline int linux_set_window_size(int fd, unsigned short rows, unsigned short columns) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    size.ws_row = rows;
    size.ws_col = columns;
    return ioctl(fd, TIOCSWINSZ, &size);
}
static inline int linux_pty_number(int fd, unsigned int *number) { return ioctl(fd, TIOCGPTN, number); }
static inline int linux_pty_unlock(int fd) {
    int unlocked = 0;
    return ioctl(fd, TIOCSPTLCK, &unlocked);
}
