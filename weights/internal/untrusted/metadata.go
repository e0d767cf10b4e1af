package untrusted

import "encoding/json"

// MetadataCost is what metadata, as JSON text, may take in memory until its
// user has made lists of its texts: several copies of the text, and for each
// pair of texts a place in a map.
func MetadataCost(text []byte) int64 {
	quotes := int64(0)
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // an escaped character delimits nothing
		case '"':
			quotes++
		}
	}
	return 10*int64(len(text)) + 50*quotes
}

// ReadMetadata reads a JSON object of strings.
func ReadMetadata(text []byte, b *Budget) (map[string]string, error) {
	if !b.Spend(MetadataCost(text)) {
		return nil, Fault(0, "metadata of %d bytes is too much for a file of this size", len(text))
	}
	var metadata map[string]string
	if err := json.Unmarshal(text, &metadata); err != nil || metadata == nil {
		return nil, Fault(0, "the metadata is no JSON object of strings (%v); write the file again with Inkling", err)
	}
	return metadata, nil
}
