/// A system call that failed: which, why, and on what.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call as its manual page names it (`openat2`).
    package var call: String
    /// The kernel's answer.
    package var errno: Errno
    /// What the call was made on, as a reader would name it: a path, a link, a process.
    package var subject: String?

    /// Describes a failure whose error number is known.
    package init(call: String, errno: Errno, subject: String? = nil) {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// One line: `open /etc/x: Permission denied (EACCES)`.
    package var description: String {
        let object = subject.map { " \($0)" } ?? ""
        return "\(call)\(object): \(errno.text) (\(errno.name))"
    }
}

/// Runs a call that answers -1 and `errno`, again while a signal interrupts it.
///
/// The error number is read before the subject is computed or anything else can run.
@inline(__always)
func system<Answer: SignedInteger>(
    _ call: StaticString, _ subject: @autoclosure () -> String? = nil, _ body: () -> Answer
) throws(SystemError) -> Answer {
    while true {
        let answer = body()
        if answer != -1 { return answer }
        let code = Errno.current
        if code == .EINTR { continue }
        throw SystemError(call: call.description, errno: code, subject: subject())
    }
}
