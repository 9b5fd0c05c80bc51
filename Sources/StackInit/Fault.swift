import CLinux

/// Why an operation failed: an errno, and what exactly was tried.
struct Fault: Error {
    var code: Int32
    var detail: KernelString

    init(_ code: Int32, _ detail: KernelString) {
        self.code = code
        self.detail = detail
    }

    /// The failure of the system call just made, with the path or name it was made for.
    static func last(_ call: StaticString, _ subject: KernelString = "") -> Fault {
        let code = linux_errno()
        var bytes = KernelString(stringLiteral: call).bytes
        if !subject.isEmpty {
            bytes.append(0x20)
            bytes.append(contentsOf: subject.bytes)
        }
        return Fault(code, KernelString(bytes: bytes))
    }
}

/// The result of a system call, or its fault.
@discardableResult
func check(_ result: Int32, _ call: StaticString, _ subject: KernelString = "") throws(Fault) -> Int32 {
    guard result >= 0 else { throw Fault.last(call, subject) }
    return result
}

/// A copy with a terminating NUL that is never freed: its users are about to execute another program, or keep it for good.
func permanentCopy(_ string: KernelString) -> UnsafeMutablePointer<CChar> {
    let count = string.bytes.count
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: count + 1)
    for index in 0..<count { copy[index] = CChar(bitPattern: string.bytes[index]) }
    copy[count] = 0
    return copy
}

/// Calls with a NUL-terminated copy that lives for the call.
func withCString<Result>(_ string: KernelString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let copy = permanentCopy(string)
    defer { copy.deallocate() }
    return body(copy)
}

extension KernelString {
    /// The bytes of a C string.
    init(cString: UnsafePointer<CChar>) {
        var bytes: [UInt8] = []
        var index = 0
        while cString[index] != 0 {
            bytes.append(UInt8(bitPattern: cString[index]))
            index += 1
        }
        self.init(bytes: bytes)
    }

    /// The path of an open descriptor, short whatever the file's own path is.
    init(descriptorPath descriptor: Int32) {
        self.init(bytes: KernelString("/proc/self/fd/").bytes + decimalDigits(Int64(descriptor)))
    }

    /// Both, one after the other.
    static func + (left: KernelString, right: KernelString) -> KernelString {
        KernelString(bytes: left.bytes + right.bytes)
    }
}

/// A number in decimal.
func decimalDigits(_ value: Int64) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = value.magnitude
    repeat {
        digits.append(UInt8(0x30 + rest % 10))
        rest /= 10
    } while rest > 0
    if value < 0 { digits.append(0x2D) }
    return digits.reversed()
}

/// A number in octal.
func octalDigits(_ value: UInt32) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = value
    repeat {
        digits.append(UInt8(0x30 + rest % 8))
        rest /= 8
    } while rest > 0
    return digits.reversed()
}

/// Reads a descriptor to its end; nil when there is more than the limit, or on error.
func readAll(_ descriptor: Int32, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    let piece = 4096
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: piece)
    defer { buffer.deallocate() }
    while true {
        let count = read(descriptor, buffer, piece)
        if count < 0 { return nil }
        if count == 0 { return bytes }
        guard bytes.count + count <= limit else { return nil }
        bytes.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
    }
}

/// Writes all bytes to a descriptor; false when that failed.
@discardableResult
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { buffer -> Int in
            guard let base = buffer.baseAddress else { return -1 }
            return write(descriptor, base + done, bytes.count - done)
        }
        if count < 0 && linux_errno() == EINTR { continue }
        guard count > 0 else { return false }
        done += count
    }
    return true
}
