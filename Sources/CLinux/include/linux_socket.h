// Sockets: addresses, ancillary data, credentials.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINUX_MAXIMUM_DESCRIPTORS = 64 };

/// Fills a unix address. Fails with ENAMETOOLONG when the path and its NUL do not fit.
static inline int linux_unix_address(const char *path, struct sockaddr_un *address, socklen_t *length) {
    size_t count = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (count >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, count + 1);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count + 1);
    return 0;
}
static inline int linux_bind_unix(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    if (linux_unix_address(path, &address, &length) < 0) return -1;
    return bind(fd, (struct sockaddr *)&address, length);
}
static inline int linux_connect_unix(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    if (linux_unix_address(path, &address, &length) < 0) return -1;
    return connect(fd, (struct sockaddr *)&address, length);
}

/// Sends one datagram to a unix socket; a path that begins with `@` is one of the abstract names.
static inline long linux_send_to_unix(int fd, const char *path, const void *bytes, size_t size) {
    struct sockaddr_un address;
    socklen_t length;
    if (linux_unix_address(path, &address, &length) < 0) return -1;
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = 0;
        length -= 1;
    }
    return (long)sendto(fd, bytes, size, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
}

/// Fills an IPv4 (`size` 4) or IPv6 (`size` 16) address; returns its length, or 0.
static inline socklen_t linux_inet_address(const uint8_t *bytes, size_t size, uint16_t port,
                                           struct sockaddr_storage *address) {
    memset(address, 0, sizeof *address);
    if (size == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)address;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, bytes, 4);
        return sizeof *v4;
    }
    if (size == 16) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, bytes, 16);
        return sizeof *v6;
    }
    return 0;
}
static inline int linux_bind_inet(int fd, const uint8_t *bytes, size_t size, uint16_t port) {
    struct sockaddr_storage address;
    socklen_t length = linux_inet_address(bytes, size, port, &address);
    return bind(fd, (struct sockaddr *)&address, length);
}
static inline int linux_connect_inet(int fd, const uint8_t *bytes, size_t size, uint16_t port) {
    struct sockaddr_storage address;
    socklen_t length = linux_inet_address(bytes, size, port, &address);
    return connect(fd, (struct sockaddr *)&address, length);
}
/// Sends small pieces at once (TCP_NODELAY): whoever writes here writes whole messages.
static inline int linux_set_undelayed(int fd) {
    int yes = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}
static inline int linux_accept(int fd) {
    return (int)syscall(SYS_accept4, fd, (void *)0, (void *)0, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
/// The local port of an IPv4 or IPv6 socket, or -1.
static inline int linux_local_port(int fd) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -1;
    if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    errno = EAFNOSUPPORT;
    return -1;
}

/// The peer's address and port of an IPv4 or IPv6 socket: the address's size, or -1.
static inline int linux_remote_address(int fd, uint8_t bytes[16], uint16_t *port) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getpeername(fd, (struct sockaddr *)&address, &length) < 0) return -1;
    if (address.ss_family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
        memcpy(bytes, &v4->sin_addr, 4);
        *port = ntohs(v4->sin_port);
        return 4;
    }
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
        memcpy(bytes, &v6->sin6_addr, 16);
        *port = ntohs(v6->sin6_port);
        return 16;
    }
    errno = EAFNOSUPPORT;
    return -1;
}

/// Bytes of the send queue (SIOCOUTQ).
static inline int linux_unread_by_peer(int fd, int *count) { return ioctl(fd, SIOCOUTQ, count); }
static inline int linux_peer_credentials(int fd, int *pid, unsigned int *uid, unsigned int *gid) {
    struct {
        int pid;
        unsigned int uid, gid;
    } credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

/// Sends bytes and up to LINUX_MAXIMUM_DESCRIPTORS descriptors in one message.
static inline long linux_send_descriptors(int fd, const void *bytes, size_t size, const int *descriptors,
                                          size_t count) {
    union {
        char space[CMSG_SPACE(sizeof(int) * 64)];
        struct cmsghdr alignment;
    } control;
    struct iovec vector = {(void *)bytes, size};
    struct msghdr message;
    if (count > LINUX_MAXIMUM_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/// Receives bytes and descriptors (close-on-exec). `descriptors` has room for LINUX_MAXIMUM_DESCRIPTORS.
static inline long linux_receive_descriptors(int fd, void *bytes, size_t size, int *descriptors, size_t *count) {
    union {
        char space[CMSG_SPACE(sizeof(int) * 64)];
        struct cmsghdr alignment;
    } control;
    struct iovec vector = {bytes, size};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    *count = 0;
    long received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t carried = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < carried && *count < LINUX_MAXIMUM_DESCRIPTORS; i++) {
            memcpy(&descriptors[*count], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            *count += 1;
        }
    }
    return received;
}
