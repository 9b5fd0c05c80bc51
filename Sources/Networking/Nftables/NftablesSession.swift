import CNftables
import Diagnostics
import Linux
import Synchronization

/// Runs nft(8) commands through one long-lived libnftables context.
///
/// Every text given is one transaction: all of it happens, or none.
///
/// The context's socket belongs to the network namespace of the thread that made the session. Calls block for about a
/// millisecond: make them from a blocking executor.
///
/// libnftables waits for its socket with select(2), which takes no number above 1023. So the context lives on a thread
/// with a table of open files of its own, where numbers are low however many files the process has open.
package final class NftablesSession: Sendable {
    private let thread: DedicatedThread
    private let context: Mutex<NftablesContext?>

    /// Loads libnftables and opens a context in the calling thread's network namespace.
    ///
    /// - Throws: a `Diagnostic` if the library is not installed, or the kernel has no nftables.
    package init() throws(Diagnostic) {
        let thread: DedicatedThread
        do throws(SystemError) {
            thread = try DedicatedThread(name: "nftables", ownDescriptors: true)
        } catch {
            throw Diagnostic(
                code: "SC6002", summary: "libnftables cannot be initialised", detail: "\(error)",
                hint: "container networks need Linux 5.9 or later")
        }
        let context = try thread.run { () throws(Diagnostic) in try NftablesContext() }
        self.thread = thread
        self.context = Mutex(context)
    }

    deinit {
        // The number of its socket means something on its own thread only.
        guard let context = context.withLock({ $0.take() }) else { return }
        thread.submit { context.close() }
    }

    /// Runs commands as one transaction and gives what they print.
    @discardableResult
    package func run(_ commands: String) throws(NftablesError) -> String {
        try context.withLock { (context) throws(NftablesError) in
            guard let context else { return "" }
            return try thread.run { () throws(NftablesError) in try context.run(commands) }
        }
    }

    /// The table's listing, or nil if there is none.
    package func listing(table: String) throws(NftablesError) -> TableListing? {
        // Asking for a table that is not there is an error whose text differs by version: look whether it is there.
        guard try tables().contains(table) else { return nil }
        return TableListing(try run("list table inet \(table)"))
    }

    /// The names of the tables of family `inet`.
    package func tables() throws(NftablesError) -> Set<String> {
        let lines = try run("list tables inet").split(separator: "\n")
        return Set(lines.compactMap { $0.split(separator: " ").last.map(String.init) })
    }
}

/// A context of libnftables.
///
/// Everything about it happens on one thread.
private struct NftablesContext: Sendable {
    private let library: nftables_library
    // SAFETY: used by the session's thread only, one call at a time.
    private nonisolated(unsafe) let pointer: OpaquePointer  // SAFETY: see above

    init() throws(Diagnostic) {
        var library = nftables_library()
        if let reason = nftables_library_load(&library) {
            throw Diagnostic(
                code: "SC6001", summary: "libnftables is needed for container networks and cannot be loaded",
                detail: String(cString: reason), hint: "apt-get install libnftables1")
        }
        guard let pointer = withUnsafePointer(to: library, { nftables_context_new($0) }) else {
            throw Diagnostic(
                code: "SC6002", summary: "libnftables cannot be initialised",
                detail: "no netlink socket for netfilter could be opened",
                hint: "check that the kernel has CONFIG_NF_TABLES (modprobe nf_tables)")
        }
        self.library = library
        self.pointer = pointer
    }

    /// The output, or the library's complaint as an error.
    func run(_ commands: String) throws(NftablesError) -> String {
        let (status, output, complaint) = withUnsafePointer(to: library) { library in
            let status = commands.withCString { nftables_run(library, pointer, $0) }
            let output = nftables_output(library, pointer).map { String(cString: $0) } ?? ""
            let complaint = nftables_error(library, pointer).map { String(cString: $0) } ?? ""
            return (status, output, complaint)
        }
        guard status == 0 else { throw NftablesError(complaint: complaint) }
        return output
    }

    func close() {
        withUnsafePointer(to: library) { nftables_context_free($0, pointer) }
    }
}

/// nftables refused a transaction; nothing of it happened.
package struct NftablesError: Error, Sendable, CustomStringConvertible {
    /// libnftables' own words.
    package let complaint: String

    package var description: String { complaint }

    /// The error as users read it.
    func diagnostic(doing what: String) -> Diagnostic {
        Diagnostic(
            code: "SC6003", summary: "the firewall refused to \(what)", detail: complaint,
            hint:
                "the kernel needs nf_tables with NAT, fib and conntrack (CONFIG_NFT_NAT, CONFIG_NFT_FIB_INET, CONFIG_NFT_CT)"
        )
    }
}
