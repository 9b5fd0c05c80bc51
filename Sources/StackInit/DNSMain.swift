import CLinux

/// Runs the name server until it is told to end: `stack-init dns --socket PATH`.
///
/// - Parameters:
///   - arguments: the words behind `dns`.
///   - count: their number.
/// - Returns: the exit code.
func runNameServer(
    arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int32
) -> Int32 {
    guard count == 2, let option = arguments[0], strcmp(option, "--socket") == 0, let path = arguments[1] else {
        return 2
    }
    // The process belongs to the data root, not to a terminal or to the daemon that started it.
    for signal in [SIGHUP, SIGINT, SIGPIPE] { _ = linux_ignore_signal(signal) }
    dns_raise_descriptor_limit()
    var lock: Int32 = -1
    let listener = dns_listen_control(path, &lock)
    // 3: another process serves this socket.
    guard listener >= 0 else { return linux_errno() == EWOULDBLOCK ? 3 : 1 }
    // What follows reads packets from containers and from the Internet.
    guard dns_drop_capabilities() == 0 else { return 1 }
    guard let server = NameServer(listener: listener, lock: lock, path: path) else { return 1 }
    server.serve()
    return 0
}
