import Linux

/// Has the kernel write a growing file to the disk while the rest of it is made, so that the wait at its end is short.
package struct Writeback {
    private static let step: Int64 = 8 << 20

    private var started: Int64
    private var end: Int64

    /// - Parameter offset: where in the file the first byte goes.
    package init(from offset: Int64 = 0) {
        started = offset
        end = offset
    }

    /// Says up to where the file is written.
    package mutating func reached(_ offset: Int64, of file: SharedDescriptor) {
        end = offset
        if end - started >= Self.step { startRest(of: file) }
    }

    /// Starts what is left, at the file's end.
    package mutating func startRest(of file: SharedDescriptor) {
        guard end > started else { return }
        file.startWriteback(from: started, count: end - started)
        started = end
    }
}
