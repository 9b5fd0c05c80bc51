// rtnetlink: message types and attributes. Swift builds the messages; only the constants and the socket are here.
#pragma once

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

/// Binds with a port number the kernel chooses; `port` receives it.
static inline int linux_netlink_bind(int fd, unsigned int *port) {
    struct sockaddr_nl address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    address.nl_family = AF_NETLINK;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return -1;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -1;
    *port = address.nl_pid;
    return 0;
}
static inline long linux_netlink_send(int fd, const void *bytes, size_t size) {
    struct sockaddr_nl address;
    memset(&address, 0, sizeof address);
    address.nl_family = AF_NETLINK;
    return sendto(fd, bytes, size, 0, (struct sockaddr *)&address, sizeof address);
}
/// Receives one datagram; `sender` is the sender's port (0 is the kernel). The length may exceed `size`: truncated.
static inline long linux_netlink_receive(int fd, void *bytes, size_t size, unsigned int *sender) {
    struct sockaddr_nl address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    long received = recvfrom(fd, bytes, size, MSG_TRUNC, (struct sockaddr *)&address, &length);
    *sender = address.nl_pid;
    return received;
}
static inline int linux_setsockopt_int(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}
static inline int linux_getsockopt_int(int fd, int level, int option, int *value) {
    socklen_t length = sizeof *value;
    return getsockopt(fd, level, option, value, &length);
}
