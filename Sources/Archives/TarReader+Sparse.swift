/// Sparse files, of which only the parts with data are stored.
///
/// Source: GNU tar manual, "Storing Sparse Files": the old GNU form and pax versions 0.0, 0.1 and 1.0.
extension TarReader {
    /// The map is in the header and in blocks behind it.
    func readGNUSparse(_ header: TarHeader, into entry: inout TarEntry) throws(ArchiveError) {
        guard let realSize = header.number(483, 12).flatMap({ UInt64(exactly: $0) }) else {
            throw badMap(entry)
        }
        var map: [UInt64] = []
        func collect(_ header: TarHeader, from start: Int, count: Int) throws(ArchiveError) {
            for index in 0..<count {
                let place = start + index * 24
                // An unused place is empty: its first byte is NUL.
                guard header.block[place] != 0 else { return }
                guard let offset = header.number(place, 12).flatMap({ UInt64(exactly: $0) }),
                    let length = header.number(place + 12, 12).flatMap({ UInt64(exactly: $0) })
                else { throw badMap(entry) }
                map.append(offset)
                map.append(length)
            }
        }
        try collect(header, from: 386, count: 4)
        var continues = header.block[482] != 0
        while continues {
            guard map.count <= 2 * limits.sparseExtents else { throw tooManyExtents(entry) }
            guard let block = try stream.exactly(TarHeader.size, entry: entry.name) else {
                throw .truncated(entry: entry.name, offset: entry.offset)
            }
            let more = TarHeader(block: block)
            try collect(more, from: 0, count: 21)
            continues = block[504] != 0
        }
        try setExtents(map, realSize: realSize, of: &entry)
    }

    /// The map is in the pax records or, in version 1.0, in front of the data.
    func readPaxSparse(_ records: PaxRecords.SparseRecords, into entry: inout TarEntry) throws(ArchiveError) {
        guard let realSize = records.realSize else { throw badMap(entry) }
        let map = records.mapIsInData ? try readDataMap(entry) : records.map
        try setExtents(map, realSize: realSize, of: &entry)
    }

    /// Decimal numbers, one a line, the count of pairs first, padded to a block.
    private func readDataMap(_ entry: TarEntry) throws(ArchiveError) -> [UInt64] {
        var numbers: [UInt64] = []
        var digits: [UInt8] = []
        var expected = 1
        while numbers.count < expected {
            guard stored >= UInt64(TarHeader.size),
                let block = try stream.exactly(TarHeader.size, entry: entry.name)
            else { throw .truncated(entry: entry.name, offset: entry.offset) }
            stored -= UInt64(TarHeader.size)
            for byte in block where numbers.count < expected {
                guard byte == UInt8(ascii: "\n") else {
                    digits.append(byte)
                    guard digits.count <= 20 else { throw badMap(entry) }
                    continue
                }
                guard let number = PaxRecords.decimal(digits[...]) else { throw badMap(entry) }
                digits.removeAll(keepingCapacity: true)
                if numbers.isEmpty {
                    guard number <= UInt64(limits.sparseExtents) else { throw tooManyExtents(entry) }
                    expected = 1 + 2 * Int(number)
                }
                numbers.append(number)
            }
        }
        return Array(numbers.dropFirst())
    }

    /// Checks that the parts ascend, stay inside the file, and are all stored.
    private func setExtents(_ map: [UInt64], realSize: UInt64, of entry: inout TarEntry) throws(ArchiveError) {
        guard map.count % 2 == 0, realSize < 1 << 62 else { throw badMap(entry) }
        var extents: [SparseExtent] = []
        var position: UInt64 = 0
        var data: UInt64 = 0
        var numbers = map.makeIterator()
        while let offset = numbers.next(), let length = numbers.next() {
            let (end, overflow) = offset.addingReportingOverflow(length)
            guard !overflow, offset >= position, end <= realSize else { throw badMap(entry) }
            position = end
            data += length
            if length > 0 { extents.append(SparseExtent(offset: offset, length: length)) }
        }
        guard data <= stored else { throw badMap(entry) }
        entry.extents = extents
        entry.size = realSize
    }

    private func badMap(_ entry: TarEntry) -> ArchiveError {
        .malformed(entry: entry.name, offset: entry.offset, reason: "its sparse map is wrong")
    }

    private func tooManyExtents(_ entry: TarEntry) -> ArchiveError {
        .limit(
            entry: entry.name, offset: entry.offset,
            reason: "its sparse map has more than \(limits.sparseExtents) parts")
    }
}
