import CLinux
import Glibc

/// A file seen as a block device (loop(4)).
///
/// The kernel frees the device with its last user: after a mount is made, this may go; the mount keeps it.
package struct LoopDevice: ~Copyable, Sendable {
    /// The open device.
    package let descriptor: FileDescriptor
    /// N of `/dev/loopN`.
    package let number: Int32

    /// Where the device is.
    package var path: String { "/dev/loop\(number)" }

    /// Binds an open file to a free device.
    ///
    /// Throws `EBUSY` when others take every device we are offered, `ENOENT` where there are no loop devices.
    package static func attach(_ file: Int32, readOnly: Bool = true) throws(SystemError) -> LoopDevice {
        let control = try Files.open("/dev/loop-control", .readWrite)
        let controlNumber = control.raw
        var flags: UInt32 = 4  // LO_FLAGS_AUTOCLEAR
        if readOnly { flags |= 1 }  // LO_FLAGS_READ_ONLY
        var last = SystemError(call: "LOOP_CONFIGURE", errno: .EBUSY)
        for _ in 0..<64 {
            let number = try system("LOOP_CTL_GET_FREE") { linux_loop_get_free(controlNumber) }
            let path = "/dev/loop\(number)"
            try makeNode(path, number)
            let device = try Files.open(path, readOnly ? .readOnly : .readWrite)
            let deviceNumber = device.raw
            do throws(SystemError) {
                _ = try system("LOOP_CONFIGURE", path) { linux_loop_configure(deviceNumber, file, flags, 0, 0) }
                return LoopDevice(descriptor: device, number: number)
            } catch {
                // Another process took the free device first.
                guard error.errno == .EBUSY else { throw error }
                last = error
            }
        }
        throw last
    }

    /// Without udev, as in a small container, nobody makes the node of a new device.
    private static func makeNode(_ path: String, _ number: Int32) throws(SystemError) {
        if Files.exists(path) { return }
        do throws(SystemError) {
            let device = DeviceNumber(major: 7, minor: UInt32(number))
            try Files.makeDevice(path, kind: .blockDevice, mode: 0o660, device: device)
        } catch let error where error.errno == .EEXIST {
            return
        }
    }
}
