/// Places to mount on, made apart from what is written later.
package struct MountPlaces: Sendable, Equatable {
    /// The layers as directories, top first.
    package var lower: [KernelString]
    /// Where what is made is, and the overlay's own directory.
    package var upper: KernelString
    package var work: KernelString
    /// Where the layers are mounted meanwhile.
    package var mountPoint: KernelString
    /// Directories, and files, that are to be there.
    package var directories: [KernelString]
    package var files: [KernelString]
    /// Numbers of trees that were taken, and where each goes: a directory's to a directory, another's to a file.
    package var trees: [UInt32]
    package var targets: [KernelString]

    package init(
        lower: [KernelString], upper: KernelString, work: KernelString, mountPoint: KernelString,
        directories: [KernelString] = [], files: [KernelString] = [], trees: [UInt32] = [],
        targets: [KernelString] = []
    ) {
        self.lower = lower
        self.upper = upper
        self.work = work
        self.mountPoint = mountPoint
        self.directories = directories
        self.files = files
        self.trees = trees
        self.targets = targets
    }
}

/// A file that is in memory only.
package struct LaunchFile: Sendable, Equatable {
    package var content: [UInt8]
    /// The permissions.
    package var mode: UInt32
    package var user: UInt32
    package var group: UInt32

    package init(content: [UInt8], mode: UInt32, user: UInt32 = 0, group: UInt32 = 0) {
        self.content = content
        self.mode = mode
        self.user = user
        self.group = group
    }
}

/// A tree whose changes are thrown away.
package struct ScratchTree: Sendable, Equatable {
    /// The number of the tree below, which is used up; nil where layers are below.
    package var tree: UInt32?
    /// The layers below as directories, top first.
    package var lower: [KernelString]
    /// Where changes go, and the overlay's own directory.
    package var upper: KernelString
    package var work: KernelString
    /// The part that is taken, resolved inside the whole; empty for all.
    package var subpath: KernelString
    /// What is mounted on meanwhile.
    package var scratch: KernelString

    package init(
        tree: UInt32?, lower: [KernelString], upper: KernelString, work: KernelString, subpath: KernelString,
        scratch: KernelString
    ) {
        self.tree = tree
        self.lower = lower
        self.upper = upper
        self.work = work
        self.subpath = subpath
        self.scratch = scratch
    }
}
