import Linux

/// Why a database could not be read.
struct SQLiteTableError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Reads the rows of one table of an SQLite file, which may be hostile.
///
/// Not SQLite itself, which would run what the schema of a stranger's file says, lock it and write beside it. Every page
/// is read at most once, and everything has a bound.
///
/// Source: sqlite.org/fileformat2.html.
struct SQLiteTable {
    /// A value of a row; numbers are all one needs of the others.
    enum Value {
        case integer(Int64)
        case bytes([UInt8])
        case other
    }

    private static let limit = (payload: 16 << 20, rows: 200_000, columns: 64, depth: 24)

    private let file: SharedDescriptor
    private let pageSize: Int
    private let usable: Int
    private let pages: Int64

    /// - Throws: `SQLiteTableError`, `SystemError`.
    init(_ file: SharedDescriptor) throws {
        self.file = file
        let head = try file.pread(upTo: 100, at: 0)
        guard head.count == 100, head.starts(with: Array("SQLite format 3".utf8) + [0]) else {
            throw SQLiteTableError("it is no SQLite database")
        }
        let size = Int(head[16]) << 8 | Int(head[17])
        pageSize = size == 1 ? 65536 : size
        guard pageSize >= 512, pageSize <= 65536, pageSize & (pageSize - 1) == 0 else {
            throw SQLiteTableError("its pages have \(pageSize) bytes")
        }
        usable = pageSize - Int(head[20])
        guard usable >= 480 else { throw SQLiteTableError("its pages have no room") }
        pages = try file.status().size / Int64(pageSize)
    }

    /// Hands the values of each row of a table to a body.
    func rows(of name: String, _ body: ([Value]) throws -> Void) throws {
        var root: Int64?
        try walk(1) { values in
            guard values.count >= 4, case .bytes(let type) = values[0], case .bytes(let table) = values[1],
                case .integer(let page) = values[3], type == Array("table".utf8), table == Array(name.utf8)
            else { return }
            root = page
        }
        guard let root else { throw SQLiteTableError("it has no table `\(name)`") }
        try walk(root, body)
    }

    private func walk(_ root: Int64, _ body: ([Value]) throws -> Void) throws {
        var seen: Set<Int64> = []
        var queue = [(page: root, depth: 0)]
        var rows = 0
        while let (number, depth) = queue.popLast() {
            guard depth < Self.limit.depth, seen.insert(number).inserted else {
                throw SQLiteTableError("its pages go in a circle")
            }
            let page = try read(number)
            let start = number == 1 ? 100 : 0
            let isLeaf = page[start] == 0x0d
            guard isLeaf || page[start] == 0x05 else { throw SQLiteTableError("page \(number) is of another kind") }
            let cells = Int(page[start + 3]) << 8 | Int(page[start + 4])
            let first = start + (isLeaf ? 8 : 12)
            guard first + cells * 2 <= page.count else { throw SQLiteTableError("page \(number) has too many cells") }
            if !isLeaf { queue.append((Self.integer(page[(start + 8)..<(start + 12)]), depth + 1)) }
            for cell in (0..<cells).reversed() where !isLeaf {
                let position = Int(page[first + cell * 2]) << 8 | Int(page[first + cell * 2 + 1])
                guard position + 4 <= page.count else { throw SQLiteTableError("page \(number) is cut off") }
                queue.append((Self.integer(page[position..<(position + 4)]), depth + 1))
            }
            for cell in 0..<cells where isLeaf {
                rows += 1
                guard rows <= Self.limit.rows else { throw SQLiteTableError("it has too many rows") }
                let position = Int(page[first + cell * 2]) << 8 | Int(page[first + cell * 2 + 1])
                try body(Self.record(try payload(page, position)))
            }
        }
    }

    private func read(_ number: Int64) throws -> [UInt8] {
        guard number >= 1, number <= pages else { throw SQLiteTableError("it has no page \(number)") }
        let bytes = try file.pread(upTo: pageSize, at: (number - 1) * Int64(pageSize))
        guard bytes.count == pageSize else { throw SQLiteTableError("page \(number) is cut off") }
        return bytes
    }

    /// The content of a cell of a leaf, of which a part may be on other pages.
    private func payload(_ page: [UInt8], _ position: Int) throws -> [UInt8] {
        var offset = position
        guard let size = Self.variable(page, &offset), Self.variable(page, &offset) != nil, size >= 0,
            size <= Self.limit.payload
        else { throw SQLiteTableError("a row is too long") }
        let total = Int(size)
        let most = usable - 35
        var local = total
        if total > most {
            let least = (usable - 12) * 32 / 255 - 23
            let fitting = least + (total - least) % (usable - 4)
            local = fitting <= most ? fitting : least
        }
        guard offset + local <= page.count else { throw SQLiteTableError("a row is cut off") }
        var bytes = Array(page[offset..<(offset + local)])
        guard local < total else { return bytes }
        guard offset + local + 4 <= page.count else { throw SQLiteTableError("a row is cut off") }
        var next = Self.integer(page[(offset + local)..<(offset + local + 4)])
        // Each page brings at least some hundred bytes, so that a circle ends.
        while bytes.count < total {
            let more = try read(next)
            bytes += more[4..<min(usable, 4 + total - bytes.count)]
            next = Self.integer(more[0..<4])
        }
        return bytes
    }

    private static func record(_ bytes: [UInt8]) throws -> [Value] {
        var head = 0
        guard let size = variable(bytes, &head), size >= 1, size <= Int64(bytes.count) else {
            throw SQLiteTableError("a row has no head")
        }
        var position = Int(size)
        var values: [Value] = []
        while head < Int(size), values.count < limit.columns, let type = variable(bytes, &head) {
            let length: Int
            switch type {
            case 0, 8, 9: length = 0
            case 1...4: length = Int(type)
            case 5: length = 6
            case 6, 7: length = 8
            case 12...Int64(Self.limit.payload) * 2 + 13: length = Int(type - 12) / 2
            default: throw SQLiteTableError("a value is too long")
            }
            guard position + length <= bytes.count else { throw SQLiteTableError("a value is cut off") }
            let content = bytes[position..<(position + length)]
            position += length
            switch type {
            case 1...6: values.append(.integer(integer(content)))
            case 12...: values.append(.bytes(Array(content)))
            default: values.append(.other)
            }
        }
        return values
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }

    /// A number of up to nine bytes, seven bits in each but the last.
    private static func variable(_ bytes: [UInt8], _ position: inout Int) -> Int64? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            if index == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
            value = value << 7 | UInt64(byte & 127)
            if byte & 128 == 0 { return Int64(bitPattern: value) }
        }
        return nil
    }
}
