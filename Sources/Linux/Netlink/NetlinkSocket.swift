import CLinux
import Glibc
import Synchronization

/// A conversation with the kernel over netlink: one request at a time, each answered before the next.
///
/// It belongs to the network namespace of the thread that opened it, whichever thread uses it. Calls block for as long
/// as the kernel works, which is short.
final class NetlinkSocket: Sendable {
    private struct State {
        var sequence: UInt32 = 0
    }

    private let descriptor: SharedDescriptor
    private let port: UInt32
    private let state = Mutex(State())

    /// Opens a socket to a netlink family.
    init(family: Int32) throws(SystemError) {
        let number = try system("socket", "netlink") { socket(AF_NETLINK, 3 | O_CLOEXEC, family) }  // SOCK_RAW
        let owner = FileDescriptor(owning: number)
        var port: UInt32 = 0
        _ = try system("bind", "netlink") { linux_netlink_bind(number, &port) }
        // NETLINK_CAP_ACK: errors do not repeat the request. NETLINK_EXT_ACK: they explain themselves.
        _ = linux_setsockopt_int(number, 270, 10, 1)
        _ = linux_setsockopt_int(number, 270, 11, 1)
        _ = linux_setsockopt_int(number, SOL_SOCKET, SO_RCVBUF, 1 << 20)
        descriptor = owner.shared()
        self.port = port
    }

    /// Sends a request and waits for its acknowledgement; returns what came before that.
    @discardableResult
    func request(_ message: NetlinkMessage, _ subject: String) throws(SystemError) -> [NetlinkAnswer] {
        var failure: SystemError?
        let answers = state.withLock { state -> [NetlinkAnswer] in
            do throws(SystemError) {
                state.sequence &+= 1
                return try exchange(message, sequence: state.sequence, subject)
            } catch {
                failure = error
                return []
            }
        }
        if let failure { throw failure }
        return answers
    }

    /// Sends a request for a list.
    ///
    /// When the list changed while it was read, asks again.
    func dump(_ message: NetlinkMessage, _ subject: String) throws(SystemError) -> [NetlinkAnswer] {
        for _ in 0..<16 {
            let answers = try request(message, subject)
            let interrupted = answers.contains { $0.flags & 0x10 != 0 }  // NLM_F_DUMP_INTR
            if !interrupted { return answers }
        }
        throw SystemError(call: "netlink", errno: .EAGAIN, subject: subject)
    }

    private func exchange(
        _ message: NetlinkMessage, sequence: UInt32, _ subject: String
    ) throws(SystemError) -> [NetlinkAnswer] {
        let bytes = message.finished(sequence: sequence, port: port)
        _ = try system("sendto", subject) { linux_netlink_send(descriptor.raw, bytes, bytes.count) }
        var answers: [NetlinkAnswer] = []
        while true {
            for answer in try receive(subject) where answer.sequence == sequence && answer.port == port {
                switch answer.type {
                case 2:  // NLMSG_ERROR
                    if let error = Self.error(answer, subject) { throw error }
                    return answers
                case 3:  // NLMSG_DONE
                    if let error = Self.error(answer, subject) { throw error }
                    // Some answers lost by an interrupted dump are announced on its last message only.
                    if answer.flags & 0x10 != 0 { answers.append(answer) }
                    return answers
                case 1: continue  // NLMSG_NOOP
                default: answers.append(answer)
                }
            }
        }
    }

    /// One datagram from the kernel; anybody else's is dropped.
    private func receive(_ subject: String) throws(SystemError) -> [NetlinkAnswer] {
        var sender: UInt32 = 0
        // The kernel makes dump messages as large as the reader's buffer, up to 32 KiB.
        let size = 64 << 10
        var received = 0
        let bytes = try Transfer.collect("recvfrom", upTo: size) { buffer, count in
            received = linux_netlink_receive(descriptor.raw, buffer, count, &sender)
            return min(received, count)
        }
        if received > size { throw SystemError(call: "recvfrom", errno: .EMSGSIZE, subject: subject) }
        return sender == 0 ? NetlinkAnswer.parse(bytes) : []
    }

    /// The error an acknowledgement carries; nil for success.
    static func error(_ answer: NetlinkAnswer, _ subject: String) -> SystemError? {
        guard let code = answer.payload.integer(Int32.self, at: 0), code < 0 else { return nil }
        var text: String?
        if answer.flags & 0x200 != 0 {  // NLM_F_ACK_TLVS
            // The error number, then the request's header, and its body unless the error was capped.
            var skip = 4 + 16
            if answer.flags & 0x100 == 0, let length = answer.payload.integer(UInt32.self, at: 4) {
                skip = 4 + (Int(length) + 3) & ~3
            }
            text = NetlinkAttributes(answer.payload.dropFirst(skip)).text(1)  // NLMSGERR_ATTR_MSG
        }
        let named = subject + (text.map { " (\($0))" } ?? "")
        return SystemError(call: "netlink", errno: Errno(0 &- code), subject: named)
    }
}
