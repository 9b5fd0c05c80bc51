/// The codes of operations in the binary form.
///
/// A code is never reused for another meaning.
package enum OperationCode: UInt8, Sendable, CaseIterable {
    case joinCgroups = 1
    case unshare
    case mapIdentity
    case setOutOfMemoryScore
    case setPropagation
    case overlayRoot
    case bindRoot
    case temporaryRoot
    case mount
    case bind
    case makeDirectory
    case makeSymbolicLink
    case makeDevice
    case writeFile
    case openTerminal
    case setKernelParameter
    case maskPath
    case readOnlyPath
    case setMountReadOnly
    case pivotRoot
    case setHostname
    case setDomainname
    case setLimit
    case setUmask
    case changeDirectory
    case setUser
    case setIdentity
    case limitCapabilities
    case setNoNewPrivileges
    case installFilter
    case closeDescriptors
    case execute
    case openTree
    case openOverlay
    case attachTree
    case setOwner
    case bindFromDonor
    case makePlaces
    case takeTree
    case openFiles
    case openScratch
}

extension Operation {
    /// The operation's code.
    package var code: OperationCode {
        switch self {
        case .joinCgroups: .joinCgroups
        case .unshare: .unshare
        case .mapIdentity: .mapIdentity
        case .setOutOfMemoryScore: .setOutOfMemoryScore
        case .setPropagation: .setPropagation
        case .overlayRoot: .overlayRoot
        case .bindRoot: .bindRoot
        case .temporaryRoot: .temporaryRoot
        case .mount: .mount
        case .bind: .bind
        case .makeDirectory: .makeDirectory
        case .makeSymbolicLink: .makeSymbolicLink
        case .makeDevice: .makeDevice
        case .writeFile: .writeFile
        case .openTerminal: .openTerminal
        case .setKernelParameter: .setKernelParameter
        case .maskPath: .maskPath
        case .readOnlyPath: .readOnlyPath
        case .setMountReadOnly: .setMountReadOnly
        case .pivotRoot: .pivotRoot
        case .setHostname: .setHostname
        case .setDomainname: .setDomainname
        case .setLimit: .setLimit
        case .setUmask: .setUmask
        case .changeDirectory: .changeDirectory
        case .setUser: .setUser
        case .setIdentity: .setIdentity
        case .limitCapabilities: .limitCapabilities
        case .setNoNewPrivileges: .setNoNewPrivileges
        case .installFilter: .installFilter
        case .closeDescriptors: .closeDescriptors
        case .execute: .execute
        case .openTree: .openTree
        case .openOverlay: .openOverlay
        case .attachTree: .attachTree
        case .setOwner: .setOwner
        case .bindFromDonor: .bindFromDonor
        case .makePlaces: .makePlaces
        case .takeTree: .takeTree
        case .openFiles: .openFiles
        case .openScratch: .openScratch
        }
    }

    /// Writes the operation: its code, then its values.
    package func encode(to writer: inout ByteWriter) {
        writer.put(code.rawValue)
        switch self {
        case .joinCgroups(let files):
            writer.put(files)
        case .overlayRoot(let lower, let upper, let work, let mountPoint):
            writer.put(lower)
            writer.put(upper)
            writer.put(work)
            writer.put(mountPoint)
        case .bindRoot(let source, let mountPoint):
            writer.put(source)
            writer.put(mountPoint)
        case .temporaryRoot(let size, let mountPoint):
            writer.put(size)
            writer.put(mountPoint)
        case .mount, .bind, .makeDirectory, .makeSymbolicLink, .makeDevice, .writeFile, .openTerminal,
            .setKernelParameter, .maskPath, .readOnlyPath, .setMountReadOnly, .pivotRoot, .setOwner, .bindFromDonor:
            encodeFileOperation(to: &writer)
        case .openTree, .openOverlay, .attachTree, .makePlaces, .takeTree, .openFiles, .openScratch:
            encodeTreeOperation(to: &writer)
        default:
            encodeProcessOperation(to: &writer)
        }
    }

    private func encodeFileOperation(to writer: inout ByteWriter) {
        switch self {
        case .mount(let type, let options, let attributes, let target, let followLinks):
            writer.put(type)
            writer.put(UInt32(truncatingIfNeeded: options.count))
            for option in options {
                writer.put(option.key)
                writer.put(option.value != nil)
                if let value = option.value { writer.put(value) }
            }
            writer.put(attributes)
            writer.put(target)
            writer.put(followLinks)
        case .bind(let source, let target, let recursive, let attributes, let propagation):
            writer.put(source)
            writer.put(target)
            writer.put(recursive)
            writer.put(attributes)
            writer.put(propagation)
        case .makeDirectory(let target, let mode):
            writer.put(target)
            writer.put(mode)
        case .makeSymbolicLink(let target, let content):
            writer.put(target)
            writer.put(content)
        case .makeDevice(let target, let mode, let major, let minor):
            writer.put(target)
            writer.put(mode)
            writer.put(major)
            writer.put(minor)
        case .writeFile(let target, let content, let mode):
            writer.put(target)
            writer.put(content)
            writer.put(mode)
        case .openTerminal(let rows, let columns):
            writer.put(rows)
            writer.put(columns)
        case .setKernelParameter(let name, let value):
            writer.put(name)
            writer.put(value)
        case .setOwner(let target, let user, let group):
            writer.put(target)
            writer.put(user)
            writer.put(group)
        case .maskPath(let path), .readOnlyPath(let path), .setMountReadOnly(let path), .bindFromDonor(let path):
            writer.put(path)
        default:
            break
        }
    }

    private func encodeTreeOperation(to writer: inout ByteWriter) {
        switch self {
        case .openTree(let source, let subpath, let recursive):
            writer.put(source)
            writer.put(subpath)
            writer.put(recursive)
        case .openOverlay(let lower, let subpath, let scratch):
            writer.put(lower)
            writer.put(subpath)
            writer.put(scratch)
        case .attachTree(let attachment):
            writer.put(attachment.tree)
            writer.put(attachment.source)
            writer.put(attachment.target)
            writer.put(attachment.attributes)
            writer.put(attachment.attributesBelow)
            writer.put(attachment.propagation)
            writer.put(attachment.userMap)
            writer.put(attachment.groupMap)
        case .makePlaces(let places):
            writer.put(places.lower)
            writer.put(places.upper)
            writer.put(places.work)
            writer.put(places.mountPoint)
            writer.put(places.directories)
            writer.put(places.files)
            writer.put(places.trees)
            writer.put(places.targets)
        case .takeTree(let descriptor, let source):
            writer.put(descriptor)
            writer.put(source)
        case .openFiles(let files, let scratch):
            writer.put(UInt32(truncatingIfNeeded: files.count))
            for file in files {
                writer.put(file.content)
                writer.put(file.mode)
                writer.put(file.user)
                writer.put(file.group)
            }
            writer.put(scratch)
        case .openScratch(let tree):
            writer.put(tree.tree != nil)
            writer.put(tree.tree ?? 0)
            writer.put(tree.lower)
            writer.put(tree.upper)
            writer.put(tree.work)
            writer.put(tree.subpath)
            writer.put(tree.scratch)
        default:
            break
        }
    }

    private func encodeProcessOperation(to writer: inout ByteWriter) {
        switch self {
        case .unshare(let flags), .setPropagation(let flags), .setUmask(let flags), .closeDescriptors(let flags):
            writer.put(flags)
        case .mapIdentity(let insideUser, let outsideUser, let insideGroup, let outsideGroup):
            writer.put(insideUser)
            writer.put(outsideUser)
            writer.put(insideGroup)
            writer.put(outsideGroup)
        case .setOutOfMemoryScore(let score):
            writer.put(score)
        case .setHostname(let name), .setDomainname(let name), .changeDirectory(let name):
            writer.put(name)
        case .setLimit(let resource, let soft, let hard):
            writer.put(resource)
            writer.put(soft)
            writer.put(hard)
        case .setUser(let specification, let supplementary, let keep):
            writer.put(specification)
            writer.put(supplementary)
            writer.put(keep)
        case .setIdentity(let user, let group):
            writer.put(user)
            writer.put(group)
        case .limitCapabilities(let set):
            writer.put(set)
        case .installFilter(let instructions):
            writer.put(instructions)
        case .execute(let program, let arguments, let environment, let reaper):
            writer.put(program)
            writer.put(arguments)
            writer.put(environment)
            writer.put(reaper)
        default:
            break
        }
    }
}
