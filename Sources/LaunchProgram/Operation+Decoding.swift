extension Operation {
    /// Reads one operation.
    ///
    /// - Throws: `LaunchProgramError`, with the place.
    package init(from reader: inout ByteReader) throws(LaunchProgramError) {
        let offset = reader.offset
        let raw = try reader.byte()
        guard let code = OperationCode(rawValue: raw) else { throw .unknownOperation(raw, offset: offset) }
        switch code {
        case .joinCgroups:
            self = .joinCgroups(try reader.strings())
        case .overlayRoot:
            self = .overlayRoot(
                lower: try reader.strings(), upper: try reader.string(), work: try reader.string(),
                mountPoint: try reader.string())
        case .bindRoot:
            self = .bindRoot(source: try reader.string(), mountPoint: try reader.string())
        case .temporaryRoot:
            self = .temporaryRoot(sizeBytes: try reader.unsigned64(), mountPoint: try reader.string())
        case .mount, .bind, .makeDirectory, .makeSymbolicLink, .makeDevice, .writeFile, .openTerminal,
            .setKernelParameter, .maskPath, .readOnlyPath, .setMountReadOnly, .pivotRoot, .setOwner, .bindFromDonor:
            self = try Self.fileOperation(code, &reader)
        case .openTree:
            self = .openTree(
                source: try reader.string(), subpath: try reader.string(), recursive: try reader.boolean())
        case .openOverlay:
            self = .openOverlay(
                lower: try reader.strings(), subpath: try reader.string(), scratch: try reader.string())
        case .attachTree:
            self = .attachTree(try TreeAttachment(from: &reader))
        case .makePlaces:
            self = .makePlaces(try MountPlaces(from: &reader))
        case .takeTree:
            self = .takeTree(descriptor: try reader.unsigned32(), source: try reader.string())
        case .openFiles:
            var files: [LaunchFile] = []
            let number = try reader.count()
            for _ in 0..<number { files.append(try LaunchFile(from: &reader)) }
            self = .openFiles(files, scratch: try reader.string())
        case .openScratch:
            self = .openScratch(try ScratchTree(from: &reader))
        default:
            self = try Self.processOperation(code, &reader)
        }
    }

    private static func fileOperation(
        _ code: OperationCode, _ reader: inout ByteReader
    ) throws(LaunchProgramError) -> Operation {
        switch code {
        case .mount:
            let type = try reader.string()
            let number = try reader.count()
            var options: [MountOption] = []
            for _ in 0..<number {
                let key = try reader.string()
                options.append(MountOption(key, try reader.boolean() ? try reader.string() : nil))
            }
            return .mount(
                type: type, options: options, attributes: try reader.unsigned32(), target: try reader.string(),
                followLinks: try reader.boolean())
        case .bind:
            return .bind(
                source: try reader.string(), target: try reader.string(), recursive: try reader.boolean(),
                attributes: try reader.unsigned32(), propagation: try reader.unsigned32())
        case .makeDirectory:
            return .makeDirectory(target: try reader.string(), mode: try reader.unsigned32())
        case .makeSymbolicLink:
            return .makeSymbolicLink(target: try reader.string(), content: try reader.string())
        case .makeDevice:
            return .makeDevice(
                target: try reader.string(), mode: try reader.unsigned32(), major: try reader.unsigned32(),
                minor: try reader.unsigned32())
        case .writeFile:
            return .writeFile(
                target: try reader.string(), content: try reader.string(), mode: try reader.unsigned32())
        case .openTerminal:
            return .openTerminal(rows: try reader.unsigned32(), columns: try reader.unsigned32())
        case .setKernelParameter:
            return .setKernelParameter(name: try reader.string(), value: try reader.string())
        case .maskPath:
            return .maskPath(try reader.string())
        case .readOnlyPath:
            return .readOnlyPath(try reader.string())
        case .setMountReadOnly:
            return .setMountReadOnly(try reader.string())
        case .setOwner:
            return .setOwner(
                target: try reader.string(), user: try reader.unsigned32(), group: try reader.unsigned32())
        case .bindFromDonor:
            return .bindFromDonor(try reader.string())
        default:
            return .pivotRoot
        }
    }

    private static func processOperation(
        _ code: OperationCode, _ reader: inout ByteReader
    ) throws(LaunchProgramError) -> Operation {
        switch code {
        case .unshare:
            return .unshare(flags: try reader.unsigned32())
        case .mapIdentity:
            return .mapIdentity(
                insideUser: try reader.unsigned32(), outsideUser: try reader.unsigned32(),
                insideGroup: try reader.unsigned32(), outsideGroup: try reader.unsigned32())
        case .setOutOfMemoryScore:
            return .setOutOfMemoryScore(try reader.signed32())
        case .setPropagation:
            return .setPropagation(flags: try reader.unsigned32())
        case .setHostname:
            return .setHostname(try reader.string())
        case .setDomainname:
            return .setDomainname(try reader.string())
        case .setLimit:
            return .setLimit(
                resource: try reader.unsigned32(), soft: try reader.unsigned64(), hard: try reader.unsigned64())
        case .setUmask:
            return .setUmask(try reader.unsigned32())
        case .changeDirectory:
            return .changeDirectory(try reader.string())
        case .setUser:
            return .setUser(
                specification: try reader.string(), supplementary: try reader.strings(),
                keep: try reader.unsigned64())
        case .setIdentity:
            return .setIdentity(user: try reader.unsigned32(), group: try reader.unsigned32())
        case .limitCapabilities:
            return .limitCapabilities(try reader.unsigned64())
        case .installFilter:
            return .installFilter(try reader.data())
        case .closeDescriptors:
            return .closeDescriptors(from: try reader.unsigned32())
        case .execute:
            return .execute(
                program: try reader.string(), arguments: try reader.strings(), environment: try reader.strings(),
                reaper: try reader.boolean())
        default:
            return .setNoNewPrivileges
        }
    }
}

extension TreeAttachment {
    init(from reader: inout ByteReader) throws(LaunchProgramError) {
        self.init(
            tree: try reader.unsigned32(), source: try reader.string(), target: try reader.string(),
            attributes: try reader.unsigned32(), attributesBelow: try reader.boolean(),
            propagation: try reader.unsigned32(), userMap: try reader.string(), groupMap: try reader.string())
    }
}

extension MountPlaces {
    init(from reader: inout ByteReader) throws(LaunchProgramError) {
        self.init(
            lower: try reader.strings(), upper: try reader.string(), work: try reader.string(),
            mountPoint: try reader.string(), directories: try reader.strings(), files: try reader.strings(),
            trees: try reader.integers(), targets: try reader.strings())
    }
}

extension LaunchFile {
    init(from reader: inout ByteReader) throws(LaunchProgramError) {
        self.init(
            content: try reader.data(), mode: try reader.unsigned32(), user: try reader.unsigned32(),
            group: try reader.unsigned32())
    }
}

extension ScratchTree {
    init(from reader: inout ByteReader) throws(LaunchProgramError) {
        let hasTree = try reader.boolean()
        let tree = try reader.unsigned32()
        self.init(
            tree: hasTree ? tree : nil, lower: try reader.strings(), upper: try reader.string(),
            work: try reader.string(), subpath: try reader.string(), scratch: try reader.string())
    }
}
