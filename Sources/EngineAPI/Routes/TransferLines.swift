import Engine
import ImageStore
import JSONText
import OCI
import Registry

/// What Docker's clients hear of a pull or a push, word for word: some of them read it.
enum TransferLines {
    static func lines(_ update: PullProgress) -> [JSONObject] {
        switch update {
        case .found(let image):
            let reference = image.reference
            return [
                [
                    "status": .string("Pulling from \(reference.path)"),
                    "id": .string(reference.digest?.description ?? reference.tag ?? ""),
                ]
            ]
        case .missing(let layers): return layers.map { line("Pulling fs layer", $0) }
        case .layer(let layer):
            switch layer.phase {
            case .exists: return [line("Already exists", layer.digest)]
            case .receiving:
                guard layer.current > 0 else { return [] }
                return [line("Downloading", layer.digest, layer.current, layer.total)]
            // It was unpacked while it came.
            case .storing: return [line("Download complete", layer.digest)]
            case .done: return [line("Pull complete", layer.digest)]
            }
        }
    }

    static func lines(_ update: PushProgress, repository: String) -> [JSONObject] {
        switch update {
        case .began(let layers):
            return [["status": .string("The push refers to repository [\(repository)]")]]
                + layers.map { line("Preparing", $0) }
        case .sending(let layer, let current, let total): return [line("Pushing", layer, current, total)]
        case .sent(let layer, .uploaded, _): return [line("Pushed", layer)]
        case .sent(let layer, .existed, _): return [line("Layer already exists", layer)]
        case .sent(let layer, .mounted, let source): return [line("Mounted from \(source ?? repository)", layer)]
        }
    }

    private static func line(_ status: String, _ layer: Digest, _ current: Int64? = nil, _ total: Int64 = 0)
        -> JSONObject
    {
        var detail = JSONObject()
        if let current { detail = ["current": .int(current), "total": .int(total)] }
        return ["status": .string(status), "progressDetail": .object(detail), "id": .string(layer.shortHex)]
    }
}
