import CLinux

/// Executes a launch program in the process that will become the user's.
///
/// It runs single-threaded in a fresh process, after clone and before execve; what it allocates dies with the image.
struct Interpreter {
    /// The new root (`O_PATH`); -1 until one is made, then `/` is meant.
    var root: Int32 = -1
    /// The container's own procfs, by the descriptor it was made with; -1 until mounted.
    var procfs: Int32 = -1
    /// The container's own devpts; -1 until mounted.
    var devpts: Int32 = -1
    /// Trees that were taken from the host and are not attached yet, by number; -1 where that is done.
    var trees: [Int32] = []
    /// An attached empty tmpfs that hides directories; -1 until needed.
    var emptyDirectory: Int32 = -1
    /// The host's /dev/null, verified; -1 until needed.
    var nullDevice: Int32 = -1
    /// Where the terminal's descriptor is sent.
    var channel: Int32
    /// The cgroup's entry files, opened before namespaces were entered; empty: open them by name.
    var cgroups: [Int32] = []
    /// Whether the process was made inside its cgroup.
    var isInCgroup = false
    /// A pidfd of the process whose cgroup namespace is joined after the cgroup; -1: none.
    var cgroupNamespace: Int32 = -1
    /// A pidfd of the process whose namespaces this one was made in; -1: none.
    var donor: Int32 = -1
    /// The home directory of the user, when it was looked up.
    var home: KernelString = ""
    /// Whether the process dies with its parent.
    var diesWithParent = true

    init(channel: Int32) {
        self.channel = channel
    }

    /// Executes the program that begins where the reader stands.
    ///
    /// Returns only when an operation failed.
    mutating func run(_ reader: inout ByteReader) -> LaunchFailure {
        var index: UInt32 = 0
        do throws(LaunchProgramError) {
            let count = try LaunchProgram.readHeader(&reader)
            while index < count {
                let operation = try Operation(from: &reader)
                do throws(Fault) {
                    try perform(operation)
                } catch {
                    return LaunchFailure(operation: index, code: error.code, detail: error.detail)
                }
                index += 1
            }
        } catch {
            return LaunchFailure(operation: index, code: EINVAL, detail: "not a launch program")
        }
        return LaunchFailure(operation: index, code: EINVAL, detail: "the program has no execute")
    }

    private mutating func perform(_ operation: Operation) throws(Fault) {
        switch operation {
        case .joinCgroups(let files): try joinCgroups(files)
        case .unshare(let flags): try check(linux_unshare(Int32(bitPattern: flags)), "unshare")
        case .mapIdentity(let insideUser, let outsideUser, let insideGroup, let outsideGroup):
            try mapIdentity(insideUser, outsideUser, insideGroup, outsideGroup)
        case .setOutOfMemoryScore(let score): try writeOutOfMemoryScore(score)
        case .setPropagation(let flags): try setPropagation(flags)
        case .overlayRoot(let lower, let upper, let work, let mountPoint):
            try overlayRoot(lower: lower, upper: upper, work: work, mountPoint: mountPoint)
        case .bindRoot(let source, let mountPoint): try bindRoot(source: source, mountPoint: mountPoint)
        case .temporaryRoot(let size, let mountPoint): try temporaryRoot(size: size, mountPoint: mountPoint)
        case .mount(let type, let options, let attributes, let target, let followLinks):
            try mount(
                type: type, options: options, attributes: attributes, target: target, followLinks: followLinks)
        case .bind(let source, let target, let recursive, let attributes, let propagation):
            try bind(
                source: source, target: target, recursive: recursive, attributes: attributes,
                propagation: propagation)
        case .openTree(let source, let subpath, let recursive):
            try openTree(source, subpath: subpath, recursive: recursive)
        case .openOverlay(let lower, let subpath, let scratch):
            try openOverlay(lower, subpath: subpath, scratch: scratch)
        case .attachTree(let attachment): try attach(attachment)
        case .makePlaces(let places): try makePlaces(places)
        case .takeTree(let descriptor, _): trees.append(Int32(clamping: descriptor))
        case .openFiles(let files, let scratch): try openFiles(files, scratch: scratch)
        case .openScratch(let tree): try openScratch(tree)
        case .makeDirectory, .makeSymbolicLink, .makeDevice, .writeFile, .setOwner: try performFile(operation)
        case .bindFromDonor(let path): try bindFromDonor(path)
        case .maskPath(let path): try mask(path)
        case .readOnlyPath(let path): try makeReadOnly(path)
        case .setMountReadOnly(let path): try setMountReadOnly(path)
        case .pivotRoot: try pivotRoot()
        default: try performProcess(operation)
        }
    }

    private mutating func performFile(_ operation: Operation) throws(Fault) {
        switch operation {
        case .makeDirectory(let target, let mode):
            closeDescriptor(try locate(target, makingMode: mode, directory: true))
        case .makeSymbolicLink(let target, let content): try makeSymbolicLink(at: target, content: content)
        case .makeDevice(let target, let mode, let major, let minor):
            try makeDevice(at: target, mode: mode, major: major, minor: minor)
        case .setOwner(let target, let user, let group): try setOwner(of: target, user: user, group: group)
        case .writeFile(let target, let content, let mode): try writeFile(at: target, content: content, mode: mode)
        default: break
        }
    }

    private mutating func performProcess(_ operation: Operation) throws(Fault) {
        switch operation {
        case .openTerminal(let rows, let columns): try openTerminal(rows: rows, columns: columns)
        case .setKernelParameter(let name, let value): try setKernelParameter(name, value)
        case .setHostname(let name):
            try check(withCString(name) { sethostname($0, name.bytes.count) }, "sethostname", name)
        case .setDomainname(let name):
            try check(withCString(name) { setdomainname($0, name.bytes.count) }, "setdomainname", name)
        case .setLimit(let resource, let soft, let hard):
            try check(init_set_limit(resource, soft, hard), "setrlimit")
        case .setUmask(let mask): _ = umask(mode_t(mask))
        case .changeDirectory(let path): try changeDirectory(path)
        case .setUser(let specification, let supplementary, let keep):
            try setUser(specification, supplementary: supplementary, keep: keep)
        case .setIdentity(let user, let group): try setIdentity(user: user, group: group)
        case .limitCapabilities(let set): try limitCapabilities(set)
        case .setNoNewPrivileges: try check(linux_prctl(INIT_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl no_new_privs")
        case .installFilter(let instructions): try installFilter(instructions)
        case .closeDescriptors(let first): try closeAll(from: first)
        case .execute(let program, let arguments, let environment, let reaper):
            try execute(program, arguments, environment, reaper: reaper)
        default: break
        }
    }
}

/// Closes a descriptor; there is nothing to do about a failure.
func closeDescriptor(_ descriptor: Int32) {
    if descriptor >= 0 { _ = close(descriptor) }
}

/// Closes every descriptor from a number on but a few (-1 is none); negative, and errno, when the kernel refuses.
func closeDescriptors(from first: Int32, but kept: [Int32]) -> Int32 {
    var kept = kept
    kept.sort()
    var next = UInt32(bitPattern: max(first, 0))
    for descriptor in kept where descriptor >= 0 {
        let number = UInt32(bitPattern: descriptor)
        if number > next, linux_close_range(next, number - 1, 0) < 0 { return -1 }
        next = max(next, number + 1)
    }
    return linux_close_range(next, UInt32.max, 0)
}
