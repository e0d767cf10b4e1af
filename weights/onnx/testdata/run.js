// Runs networks with ONNX Runtime:
//
//     node run.js cases.json
//
// The file holds a list of {model, type, dims, input, output}: a .onnx, the
// input's type (float32 or uint8), its dimensions, and the files of its
// elements, little-endian, to read and to write. Printed is, for each case, what
// the network says of its inputs and outputs, or why it cannot be run.

const fs = require("fs");
const ort = require("onnxruntime-node");

async function run(test) {
	const session = await ort.InferenceSession.create(test.model);
	const bytes = fs.readFileSync(test.input);
	const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
	const data = test.type === "uint8" ? new Uint8Array(copy) : new Float32Array(copy);
	const results = await session.run({ input: new ort.Tensor(test.type, data, test.dims) });
	const [name] = session.outputNames;
	const { data: values, dims } = results[name];
	fs.writeFileSync(test.output, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
	return { inputs: session.inputMetadata, outputs: session.outputMetadata, dims };
}

(async () => {
	const answers = [];
	for (const test of JSON.parse(fs.readFileSync(process.argv[2]))) {
		answers.push(await run(test).catch((error) => ({ error: String(error) })));
	}
	console.log(JSON.stringify(answers));
})();
