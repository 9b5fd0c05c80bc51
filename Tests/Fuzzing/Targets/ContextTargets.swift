import Builder

extension FuzzTarget {
    /// What a client says its build context has: what is read is the same again, and leads nowhere else.
    static let contextListing = FuzzTarget("context-listing") { input in
        let listing = parsed { () throws(ContextListingError) in try ContextListing(decoding: input) }
        guard let listing else { return }
        let again = parsed { () throws(ContextListingError) in try ContextListing(decoding: listing.encoded()) }
        try require(again == listing, "what was written is not what is read")
        for file in listing.files {
            let parts = file.path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            let isGood = parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
            try require(isGood && !file.path.contains(0), "a path leads elsewhere")
        }
    }
}
