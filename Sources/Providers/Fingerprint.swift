import Apply
import JSONText

extension ObservedObject {
    /// An observation whose fingerprint covers all that a plan rests on: attributes, condition, identity.
    init(
        _ id: String, attributes: JSONObject, outputs: JSONObject, condition: ObjectCondition = .ok,
        remark: String? = nil, data: String? = nil
    ) {
        let text = "\(id)\n\(JSONValue.object(attributes).serialized(.canonical))\n\(condition.text ?? "")"
        // FNV-1a: a change detector between two looks at one host, not a defence against anybody.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.init(
            id: id, attributes: attributes, outputs: outputs, fingerprint: String(hash, radix: 16),
            condition: condition, remark: remark, data: data)
    }
}
