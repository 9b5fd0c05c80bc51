import Glibc

/// The processors of this machine.
package enum HostProcessors {
    /// How many are on, at least one.
    package static var count: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// The numbers in a list of the kernel's, `0-3,8`; what does not parse is passed over.
    ///
    /// The kernel supports 8,192 processors at most.
    package static func numbers(inList text: some StringProtocol) -> [Int] {
        var numbers: [Int] = []
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let ends = part.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, last < 8_192 else {
                continue
            }
            numbers += first...last
        }
        return numbers
    }
}
