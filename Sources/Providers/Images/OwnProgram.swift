import ImageStore
import Linux

/// This program as an image's content: a registry server needs nothing else.
enum OwnProgram {
    /// What manifests call it.
    static let name = "stackctl"

    /// The executable that runs; nil where the kernel does not tell.
    static let path = try? CurrentProcess.executablePath()

    /// The executable with the libraries it loads on first use.
    static var program: HostProgram? {
        path.map { path in
            HostProgram(
                path: path,
                loaded: [
                    "libcrypto.so.3", "libssl.so.3", "libcurl.so.4", "libzstd.so.1", "libisal.so.2", "libcrypt.so.1",
                ],
                files: ["/etc/ssl/certs/ca-certificates.crt"])
        }
    }
}
