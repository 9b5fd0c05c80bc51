import Diagnostics
import Linux

/// One run of mmdebstrap, which installs Debian packages into a directory of its own and gives it as a tar.
///
/// It runs in mount and process namespaces of its own, and is killed when this process ends: whatever it mounted and
/// started goes with them.
///
/// Source: mmdebstrap(1), unshare(1), setpriv(1).
struct Mmdebstrap {
    let request: DebianRequest
    let lock: DebianLock?
    /// Seconds since 1970 that no file is newer than.
    let date: Int64
    /// The archives, one line each; empty for mmdebstrap's own choice.
    let sources: [String]
    /// A directory of ours with `preferences` and `sources.list`, in which the system is put together.
    let workDirectory: String

    /// A run under way.
    struct Running: Sendable {
        let child: ChildProcess
        let archive: SharedDescriptor
        let messages: SharedDescriptor
        /// The thread that started it: the kernel kills the child when this thread ends, prctl(2), PR_SET_PDEATHSIG.
        let parent: DedicatedThread
    }

    /// Where a program is.
    ///
    /// - Throws: `Diagnostic` when it is not installed.
    private static func find(_ program: String, package: String) throws(Diagnostic) -> String {
        let directories = (Environment.get("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").split(separator: ":")
        for directory in directories where Files.exists("\(directory)/\(program)") {
            return "\(directory)/\(program)"
        }
        throw Diagnostic(
            code: StoreCode.noMmdebstrap, summary: "\(program) is not installed",
            detail: "images of Debian packages are made with it", hint: "apt-get install \(package)")
    }

    /// What is said of a line of its messages; nil for what helps nobody who watches.
    static func phase(of line: String) -> String? {
        for (beginning, phase) in phases where line.hasPrefix("I: " + beginning) { return phase }
        return nil
    }

    private static let phases = [
        ("running apt-get update", "reading the package lists"),
        ("downloading packages", "downloading packages"),
        ("extracting archives", "unpacking packages"),
        ("installing essential packages", "installing essential packages"),
        ("installing remaining packages", "installing packages"),
        ("creating tarball", "writing the layer"),
    ]

    /// What keeps two builds alike, and small: caches, logs and what names this machine.
    private static let cleaning = """
        cd "$1" && rm -f etc/hostname etc/resolv.conf etc/machine-id var/lib/dbus/machine-id \
        etc/apt/preferences.d/00stackctl-lock var/lib/dpkg/*-old var/cache/debconf/*-old var/cache/ldconfig/aux-cache \
        && rm -rf var/lib/apt/lists/* var/cache/apt/*.bin run/* tmp/* \
        && find var/log -type f -delete \
        && cp "$STACKCTL_WORK/sources.list" etc/apt/sources.list
        """

    /// Versions are pinned before anything is chosen.
    private static let pinning = """
        mkdir -p "$1/etc/apt/preferences.d" \
        && cp "$STACKCTL_WORK/preferences" "$1/etc/apt/preferences.d/00stackctl-lock"
        """

    /// What makes the namespaces, in front of the program.
    private func confinement() throws(Diagnostic) -> [String] {
        [
            try Self.find("setpriv", package: "util-linux"), "--pdeathsig", "KILL",
            try Self.find("unshare", package: "util-linux"), "--mount", "--propagation", "private", "--pid", "--fork",
            "--kill-child", "--mount-proc", "--", try Self.find("mmdebstrap", package: "mmdebstrap"),
        ]
    }

    private var arguments: [String] {
        var arguments = ["--mode=root", "--format=tar", "--variant=\(request.variant)"]
        if !request.packages.isEmpty { arguments.append("--include=" + request.packages.joined(separator: ",")) }
        // Manuals and translations are of no use in a container; licences stay.
        for path in ["man", "doc", "info", "locale", "groff", "lintian", "linda"] {
            arguments.append("--dpkgopt=path-exclude=/usr/share/\(path)/*")
        }
        arguments.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
        if lock != nil { arguments.append("--setup-hook=" + Self.pinning) }
        arguments.append("--customize-hook=" + Self.cleaning)
        return arguments + [request.suite, "-"] + sources
    }

    /// A small environment: what apt needs to reach a mirror, and nothing that could change the result.
    var environment: [String] {
        let passed = ["http_proxy", "https_proxy", "no_proxy"].compactMap { name in
            Environment.get(name).map { name + "=" + $0 }
        }
        return passed + [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
            "SOURCE_DATE_EPOCH=\(date)", "STACKCTL_WORK=\(workDirectory)", "TMPDIR=\(workDirectory)",
        ]
    }

    /// Starts it.
    func start() throws -> Running {
        let command = try confinement() + arguments
        // The archives of this machine may be a mirror of its own network; an image names the public one.
        let named = AptSources.written(suite: request.suite, mirror: request.mirror).map { $0.line + "\n" }.joined()
        try Files.write(workDirectory + "/sources.list", Array(named.utf8), mode: 0o644)
        try Files.write(workDirectory + "/preferences", Array((lock?.preferences ?? "").utf8), mode: 0o644)
        let archive = try Pipe().separate()
        let messages = try Pipe().separate()
        let request = SpawnRequest(
            executable: .path(command[0]), arguments: command, environment: environment,
            descriptors: [1: archive.writing.raw, 2: messages.writing.raw], workingDirectory: "/",
            newProcessGroup: true)
        let parent = try DedicatedThread(name: "mmdebstrap")
        let child = try parent.run { () throws(SystemError) in try Spawn.start(request) }
        // The ends it writes to are needed until it has copies of them.
        return withExtendedLifetime((archive.writing, messages.writing)) {
            Running(child: child, archive: archive.reading, messages: messages.reading, parent: parent)
        }
    }
}

/// Splits a stream into lines and keeps the last of them.
struct LineReader {
    private let descriptor: SharedDescriptor
    private let kept: Int

    init(_ descriptor: SharedDescriptor, keeping kept: Int) {
        self.descriptor = descriptor
        self.kept = kept
    }

    /// Reads to the end, giving each line to `body`, and returns the last lines.
    func run(_ body: (String) -> Void) throws(SystemError) -> [String] {
        var last: [String] = []
        var partial: [UInt8] = []
        func take(_ bytes: some Sequence<UInt8>) {
            let line = String(decoding: Array(bytes), as: UTF8.self)
            guard !line.isEmpty else { return }
            body(line)
            last.append(line)
            if last.count > kept { last.removeFirst() }
        }
        while true {
            let chunk = try descriptor.read(upTo: 4096)
            if chunk.isEmpty { break }
            for byte in chunk {
                // A progress bar draws over its line; each state of it counts as one.
                if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || partial.count >= 4096 {
                    take(partial)
                    partial.removeAll(keepingCapacity: true)
                } else {
                    partial.append(byte)
                }
            }
        }
        take(partial)
        return last
    }
}
