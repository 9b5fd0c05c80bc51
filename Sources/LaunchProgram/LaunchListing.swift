#if !hasFeature(Embedded)
// Texts are for people: the embedded interpreter says indexes and errnos, and these words are put to them outside.

extension LaunchProgram {
    /// The program in words, one line for each operation: what `stackctl runtime explain` prints.
    package func listing() -> [String] {
        operations.map { $0.summary }
    }

    /// The words for the operation a failure names.
    package func summary(of failure: LaunchFailure) -> String {
        switch failure.operation {
        case LaunchFailure.processStep: "make the process"
        case LaunchFailure.interruptedStep: "prepare the process"
        case LaunchFailure.planStep: "read the plan"
        case LaunchFailure.filesStep: "open the supervisor's files"
        default:
            operations.indices.contains(Int(failure.operation))
                ? operations[Int(failure.operation)].summary : "operation \(failure.operation)"
        }
    }
}

extension Operation {
    /// The operation in words.
    package var summary: String {
        switch self {
        case .overlayRoot(let lower, _, _, let mountPoint):
            "mount an overlay of \(lower.count) layer\(lower.count == 1 ? "" : "s") on \(mountPoint.text)"
        case .bindRoot(let source, _): "take \(source.text) as the root"
        case .temporaryRoot(let size, _): "take an empty tmpfs of \(size) bytes as the root"
        case .mount(let type, let options, let attributes, let target, _):
            "mount \(type.text) on \(target.text)\(Self.words(options, attributes))"
        case .bind(let source, let target, let recursive, let attributes, _):
            "bind \(source.text) on \(target.text)\(Self.words([], attributes))\(recursive ? ", with what is mounted below" : "")"
        case .openTree(let source, let subpath, let recursive):
            "take \(source.text)\(Self.below(subpath))\(recursive ? ", with what is mounted below" : "")"
        case .openOverlay(let lower, let subpath, _):
            "take \(lower.count) layer\(lower.count == 1 ? "" : "s") over each other\(Self.below(subpath))"
        case .attachTree(let tree):
            "bind \(tree.source.text) on \(tree.target.text)\(Self.words([], tree.attributes))"
                + (tree.propagation & MountPropagation.private != 0
                    ? "" : tree.propagation & MountPropagation.slave != 0 ? ", slave" : ", shared")
                + (tree.userMap.isEmpty ? "" : ", owners mapped")
        case .makeDirectory(let target, let mode): "make directory \(target.text) mode \(Self.octal(mode))"
        case .makeSymbolicLink(let target, let content): "link \(target.text) to \(content.text)"
        case .makeDevice(let target, let mode, let major, let minor):
            "make device \(target.text) \(mode & FileType.mask == FileType.blockDevice ? "b" : "c") \(major):\(minor)"
                + " mode \(Self.octal(mode & 0o7777))"
        case .writeFile(let target, let content, let mode):
            "write \(content.bytes.count) bytes to \(target.text) mode \(Self.octal(mode))"
        case .openTerminal(let rows, let columns): "open a terminal of \(rows) x \(columns) on /dev/console"
        case .setKernelParameter(let name, let value): "set /proc/sys/\(name.text) to \(value.text)"
        case .maskPath(let path): "mask \(path.text)"
        case .readOnlyPath(let path): "make \(path.text) read-only"
        case .setMountReadOnly(let path): "make the mount on \(path.text) read-only"
        case .setOwner(let target, let user, let group): "give \(target.text) to user \(user) group \(group)"
        case .bindFromDonor(let path): "bind \(path.text) of the container whose namespace is joined"
        case .pivotRoot: "pivot to the new root"
        case .makePlaces(let places):
            "make places to mount on: "
                + (places.directories + places.files + places.targets).map(\.text).joined(separator: " ")
        case .takeTree(_, let source): "take \(source.text), which is open"
        case .openFiles(let files, _):
            "make \(files.count) file\(files.count == 1 ? "" : "s") in memory"
        case .openScratch(let tree):
            "take \(tree.tree.map { "tree \($0)" } ?? "\(tree.lower.count) layers")\(Self.below(tree.subpath)),"
                + " writable, changes thrown away"
        default: processSummary
        }
    }

    private var processSummary: String {
        switch self {
        case .joinCgroups(let files): "join cgroups " + files.map(\.text).joined(separator: " ")
        case .unshare(let flags): "unshare namespaces 0x" + String(flags, radix: 16)
        case .mapIdentity(let insideUser, let outsideUser, let insideGroup, let outsideGroup):
            "map user \(insideUser) to \(outsideUser), group \(insideGroup) to \(outsideGroup)"
        case .setOutOfMemoryScore(let score): "set oom_score_adj to \(score)"
        case .setPropagation(let flags):
            "make every mount \(flags & MountPropagation.slave != 0 ? "slave" : "private")"
        case .setHostname(let name): "set the host name to \(name.text)"
        case .setDomainname(let name): "set the domain name to \(name.text)"
        case .setLimit(let resource, let soft, let hard): "set rlimit \(Self.limit(resource)) to \(soft):\(hard)"
        case .setUmask(let mask): "set umask to \(Self.octal(mask))"
        case .changeDirectory(let path): "enter directory \(path.text)"
        case .setUser(let specification, let supplementary, let keep):
            "become user \(specification.isEmpty ? "root" : specification.text)"
                + (supplementary.isEmpty ? "" : " with groups " + supplementary.map(\.text).joined(separator: ","))
                + ", keep capabilities 0x" + String(keep, radix: 16)
        case .setIdentity(let user, let group): "become user \(user) group \(group) without capabilities"
        case .limitCapabilities(let set): "limit capabilities to 0x" + String(set, radix: 16)
        case .setNoNewPrivileges: "forbid new privileges"
        case .installFilter(let instructions): "install a seccomp filter of \(instructions.count / 8) instructions"
        case .closeDescriptors(let first): "close descriptors from \(first)"
        case .execute(let program, _, _, let reaper):
            "exec \"\(program.text)\"" + (reaper ? " under an init" : "")
        default: "\(code)"
        }
    }

    /// The name `ulimit` and Docker use for a limit (getrlimit(2)).
    private static func limit(_ resource: UInt32) -> String {
        let names = [
            "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending",
            "msgqueue", "nice", "rtprio", "rttime",
        ]
        return names.indices.contains(Int(resource)) ? names[Int(resource)] : "\(resource)"
    }

    private static func words(_ options: [MountOption], _ attributes: UInt32) -> String {
        var words: [String] = []
        if attributes & MountAttribute.readOnly != 0 { words.append("ro") }
        if attributes & MountAttribute.noSetUserID != 0 { words.append("nosuid") }
        if attributes & MountAttribute.noDevices != 0 { words.append("nodev") }
        if attributes & MountAttribute.noExec != 0 { words.append("noexec") }
        words += options.map { option in
            option.value.map { "\(option.key.text)=\($0.text)" } ?? option.key.text
        }
        return words.isEmpty ? "" : " (\(words.joined(separator: ",")))"
    }

    private static func below(_ subpath: KernelString) -> String {
        subpath.isEmpty ? "" : ", of it \(subpath.text)"
    }

    private static func octal(_ value: UInt32) -> String { "0" + String(value, radix: 8) }
}
#endif
