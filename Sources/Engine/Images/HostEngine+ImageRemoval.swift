import ImageStore
import JSONText
import OCI

extension HostEngine {
    /// Removes a name, and the image with its last one; or an image by its id.
    ///
    /// With `force` a name goes even where a container is made of the image, which then has no name; an image that a
    /// container is made of is never removed, since the container could not start without its layers.
    ///
    /// - Returns: Docker's list of what was done.
    package func removeImage(_ text: String, force: Bool = false) async throws -> [JSONObject] {
        let image = try await identify(text)
        let name = (try? ImageReference(text))?.withDefaultTag
        if let name, image.references.contains(name) {
            guard image.references.count == 1 else { return try await untag(name, of: image.id) }
            if let user = user(ofImage: image.id) {
                guard force else {
                    throw EngineError(
                        .conflict,
                        "conflict: unable to remove repository reference \"\(text)\" (must force) - container \(user.id.prefix(12)) is using its referenced image \(image.id.shortHex)"
                    )
                }
                return try await untag(name, of: image.id)
            }
        } else {
            try refuseUsed(image, force: force)
        }
        if let path = try await mountPath(ofImage: image.id) {
            throw EngineError(
                .conflict,
                "conflict: unable to delete \(image.id.shortHex) (cannot be forced) - image is mounted on \(path); unmount it first: stackctl image unmount \(path)"
            )
        }
        let removal: ImageRemoval
        do {
            removal = try await images.remove(text, inUse: imagesInUse, force: force)
        } catch {
            throw EngineError.image(error)
        }
        return await report(removal, of: image.id)
    }

    /// Which image a text means, whether it can be read or not.
    func identify(_ text: String) async throws -> ImageIdentity {
        do {
            guard let image = try await images.identify(text) else { throw EngineError.noImage(text) }
            return image
        } catch {
            throw EngineError.image(error)
        }
    }

    /// Docker's reasons not to remove an image by its id.
    private func refuseUsed(_ image: ImageIdentity, force: Bool) throws(EngineError) {
        let user = user(ofImage: image.id)
        let subject = "conflict: unable to delete \(image.id.shortHex)"
        if let user, user.isActive {
            throw EngineError(
                .conflict,
                "\(subject) (cannot be forced) - image is being used by running container \(user.id.prefix(12))")
        }
        if image.references.count > 1, !force {
            throw EngineError(
                .conflict, "\(subject) (must be forced) - image is referenced in multiple repositories")
        }
        if let user {
            throw EngineError(
                .conflict,
                "\(subject) (cannot be forced) - image is being used by stopped container \(user.id.prefix(12))")
        }
    }

    /// A container that is made of the image; one that runs, if there is one.
    private func user(ofImage id: Digest) -> (id: String, isActive: Bool)? {
        let name = id.description
        let users = containers.all.filter { $0.snapshot.imageID == name }
        if let user = users.first(where: { $0.state.isActive }) ?? users.first { return (user.id, user.state.isActive) }
        return containers.damaged.first { $0.imageID == name }.map { ($0.id, true) }
    }

    private func untag(_ name: ImageReference, of id: Digest) async throws -> [JSONObject] {
        var removal = ImageRemoval()
        do {
            if try await images.untag(name) { removal.untagged = [name] }
        } catch {
            throw EngineError.image(error)
        }
        return await report(removal, of: id)
    }

    /// Tells the subscribers, and gives Docker's list.
    func report(_ removal: ImageRemoval, of id: Digest) async -> [JSONObject] {
        var result: [JSONObject] = []
        for reference in removal.untagged {
            result.append(["Untagged": .string(reference.familiar)])
            await publish(.image, "untag", actor: id.description, ["name": reference.familiar])
        }
        for id in removal.deletedImages {
            result.append(["Deleted": .string(id.description)])
            await publish(.image, "delete", actor: id.description, ["name": id.description])
        }
        for layer in removal.deletedLayers { result.append(["Deleted": .string(layer.description)]) }
        return result
    }
}
