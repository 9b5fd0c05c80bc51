import CLinux

/// The program's entry: the first word says what it is here for.
///
/// `supervise PLAN READY NETNS`: one container's supervisor. `exec PLAN CONTROL PIDFD`: one process in a running
/// container, a container without a supervisor, or a jail. `dns …`: the name server. The numbers are descriptors; -1 is
/// none.
@main
enum StackInit {
    static func main() {
        init_exit(run(commandLine()))
    }

    private static func run(_ words: [KernelString]) -> Int32 {
        guard let mode = words.dropFirst().first else { return usage() }
        if mode == "dns" { return serveNames(Array(words.dropFirst(2))) }
        guard words.count == 5, let first = descriptor(words[2]), let second = descriptor(words[3]),
            let third = descriptor(words[4])
        else { return usage() }
        if mode == "supervise" { return supervise(plan: first, ready: second, network: third) }
        if mode == "exec" { return executeOnce(plan: first, control: second, container: third) }
        return usage()
    }

    /// The words of the command line, from procfs: Embedded Swift is not given them.
    private static func commandLine() -> [KernelString] {
        let file = linux_openat(INIT_AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { return [] }
        defer { closeDescriptor(file) }
        let bytes = readAll(file, limit: 16_384) ?? []
        return bytes.split(separator: 0).map { KernelString(bytes: Array($0)) }
    }

    private static func serveNames(_ words: [KernelString]) -> Int32 {
        let arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
        for (index, word) in words.enumerated() { arguments[index] = permanentCopy(word) }
        arguments[words.count] = nil
        return runNameServer(arguments: arguments, count: Int32(words.count))
    }

    private static func usage() -> Int32 {
        writeAll(2, KernelString("stack-init is started by stackctl, not by hand\n").bytes)
        return 2
    }

    private static func descriptor(_ word: KernelString) -> Int32? {
        guard let value = StatusLineReader.parse(word.bytes[...]), value >= -1, value < 1024 else { return nil }
        return Int32(value)
    }
}
