// Sockets and time of the name server (`stack-init dns`). Every function keeps the C convention: -1 and errno.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DNS_PORT = 53, DNS_EVENTS = 64, DNS_READABLE = 1, DNS_WRITABLE = 2, DNS_CLOSED = 4 };

/// Milliseconds of a clock that never jumps.
static inline int64_t dns_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/// An unpredictable number.
static inline uint16_t dns_random(void) {
    uint16_t number = 0;
    while (getrandom(&number, sizeof number, 0) < 0 && errno == EINTR) {}
    return number;
}

/// As many descriptors as the system lets a process have: two for each container.
static inline void dns_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/// Gives up every capability, now and for ever: all that is needed from here on are sockets one has or may make.
static inline int dns_drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    return (int)syscall(SYS_capset, &header, none);
}

/// Listens for the daemon at `path`. The folder becomes the working directory, so that only the last component has to
/// fit into a socket address. A socket that nobody listens on any more is replaced: `lock` receives a lock of the file
/// `path.lock`, by which a second process knows that somebody does. Fails with EWOULDBLOCK then.
static inline int dns_listen_control(const char *path, int *lock) {
    struct sockaddr_un address;
    char lock_name[sizeof address.sun_path + 8];
    const char *name = strrchr(path, '/');
    if (name != NULL) {
        char folder[4096];
        size_t length = (size_t)(name - path);
        if (length >= sizeof folder) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(folder, path, length);
        folder[length] = 0;
        if (chdir(length == 0 ? "/" : folder) < 0) return -1;
        name += 1;
    } else {
        name = path;
    }
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(name) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, name);
    strcpy(lock_name, name);
    strcat(lock_name, ".lock");
    *lock = open(lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    unlink(name);
    mode_t mask = umask(0177);
    int status = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (status < 0 || listen(fd, 8) < 0) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

/// True if the other end runs as the same user as this process.
static inline int dns_peer_is_own_user(int fd) {
    struct {
        int pid;
        unsigned int uid, gid;
    } credentials; // struct ucred, which glibc shows only under _GNU_SOURCE
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return 0;
    return credentials.uid == geteuid();
}

static inline int dns_accept(int fd) {
    return (int)syscall(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
 }

static inline int dns_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int dns_epoll_set(int poll, int operation, int fd, int interest) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    if (interest & DNS_READABLE) event.events |= EPOLLIN;
    if (interest & DNS_WRITABLE) event.events |= EPOLLOUT;
    event.data.fd = fd;
    return epoll_ctl(poll, operation, fd, &event);
}
static inline int dns_epoll_add(int poll, int fd, int interest) { return dns_epoll_set(poll, EPOLL_CTL_ADD, fd, interest); }
static inline void dns_epoll_remove(int poll, int fd) { epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }
static inline int dns_epoll_change(int poll, int fd, int interest) {
    return dns_epoll_set(poll, EPOLL_CTL_MOD, fd, interest);
}

/// Waits for events; `fds` and `states` have room for DNS_EVENTS.
static inline int dns_epoll_wait(int poll, int *fds, int *states, int timeout) {
    struct epoll_event events[DNS_EVENTS];
    int count = epoll_wait(poll, events, DNS_EVENTS, timeout);
    for (int i = 0; i < count; i++) {
        fds[i] = events[i].data.fd;
        states[i] = (events[i].events & EPOLLIN ? DNS_READABLE : 0) | (events[i].events & EPOLLOUT ? DNS_WRITABLE : 0) |
                    (events[i].events & (EPOLLERR | EPOLLHUP) ? DNS_CLOSED : 0);
    }
    return count;
}

/// Receives a datagram and its sender, without waiting.
static inline long dns_receive(int fd, void *bytes, size_t size, uint32_t *address, uint16_t *port) {
    struct sockaddr_in sender;
    socklen_t length = sizeof sender;
    memset(&sender, 0, sizeof sender);
    long received = recvfrom(fd, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&sender, &length);
    *address = sender.sin_addr.s_addr;
    *port = sender.sin_port;
    return received;
}

/// Sends a datagram to whom `dns_receive` named, without waiting.
static inline long dns_send(int fd, const void *bytes, size_t size, uint32_t address, uint16_t port) {
    struct sockaddr_in receiver;
    memset(&receiver, 0, sizeof receiver);
    receiver.sin_family = AF_INET;
    receiver.sin_addr.s_addr = address;
    receiver.sin_port = port;
    return sendto(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&receiver, sizeof receiver);
}

static inline long dns_stream_receive(int fd, void *bytes, size_t size) { return recv(fd, bytes, size, MSG_DONTWAIT); }
static inline long dns_stream_send(int fd, const void *bytes, size_t size) {
    return send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// A socket connected to a port of a resolver or container, or on its way to be. A connected datagram socket takes packets from
/// that resolver only, and has a port of its own that a forger would have to guess.
static inline int dns_connect_port(const char *resolver, uint16_t port, int stream) {
    struct sockaddr_storage address;
    socklen_t length;
    memset(&address, 0, sizeof address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, resolver, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, resolver, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        length = sizeof *v6;
    } else {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(address.ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

static inline int dns_connect(const char *resolver, int stream) { return dns_connect_port(resolver, DNS_PORT, stream); }

/// Says that no more comes on a connection.
static inline void dns_end_stream(int fd) { shutdown(fd, SHUT_WR); }

/// Sends small pieces without waiting for more.
static inline void dns_send_at_once(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, 1, &on, sizeof on); // TCP_NODELAY
}

/// The control socket's name in the working directory goes with the process.
static inline void dns_unlink_control(const char *path) {
    const char *name = strrchr(path, '/');
    unlink(name != NULL ? name + 1 : path);
}
