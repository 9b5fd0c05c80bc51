import Archives
import OCI

/// In which form layers are given on.
///
/// Source: buildx, `compression`, `compression-level` and `force-compression` of an output.
package struct LayerCompression: Sendable, Hashable {
    package enum Method: String, Sendable, Hashable, CaseIterable {
        case uncompressed, gzip, zstd

        /// The levels there are; nil where there are none.
        package var levels: ClosedRange<Int>? {
            switch self {
            case .uncompressed: nil
            case .gzip: 1...9
            case .zstd: 1...22
            }
        }

        /// Of layers that nobody has said a level of: zlib's last fast one, and zstd's own default.
        fileprivate var standardLevel: Int? { self == .uncompressed ? nil : 3 }

        fileprivate var compression: Compression {
            switch self {
            case .uncompressed: .none
            case .gzip: .gzip
            case .zstd: .zstd
            }
        }
    }

    /// What registries get of layers that were made here.
    package static let standard = LayerCompression(.gzip)

    package let method: Method
    /// Nil where the method has none.
    package let level: Int?
    /// Whether layers that came in another form are given on in this one too, and not as they came.
    package let isForced: Bool

    /// - Parameter level: one of the method's; nil is the standard one.
    package init(_ method: Method, level: Int? = nil, isForced: Bool = false) {
        self.method = method
        self.level = level.flatMap { method.levels?.contains($0) == true ? $0 : nil } ?? method.standardLevel
        self.isForced = isForced
    }

    /// The form of a layer in which it is given on, as far as it is there.
    ///
    /// A layer that was made here has to be of this level, so that equal layers give equal bytes whatever was done with
    /// them before; of one that came from elsewhere every form of the method will do.
    func blob(of blobs: [LayerBlob], isMadeHere: Bool) -> LayerBlob? {
        blobs.first { $0.compression == method.compression && (!isMadeHere || $0.level == level) }
    }

    /// Whether a form of a layer has to be made.
    func wants(_ blobs: [LayerBlob], isMadeHere: Bool) -> Bool {
        method != .uncompressed && (isMadeHere || isForced) && blob(of: blobs, isMadeHere: isMadeHere) == nil
    }

    /// What is known of a form that was made.
    func blob(_ digest: Digest, size: Int64) -> LayerBlob {
        LayerBlob(digest: digest, size: size, compression: method.compression, level: level)
    }
}
