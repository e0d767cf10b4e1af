// Measures for ONNX Runtime, as lines from standard input say (see worker.go):
//
//     node onnxruntime.js DIR-OF-MODELS
//
// A row's network is DIR/ROW.onnx, which Inkling wrote.

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const ort = require("onnxruntime-node");

const ready = {};

async function prepare(row, threads) {
	const model = path.join(process.argv[2], row + ".onnx");
	if (!fs.existsSync(model)) throw new Error("onnxruntime-node does not train");
	const session = await ort.InferenceSession.create(model, {
		executionProviders: ["cpu"],
		graphOptimizationLevel: "all",
		executionMode: "sequential",
		intraOpNumThreads: threads,
		interOpNumThreads: 1,
	});
	const batch = Number(row.split("-").pop());
	const [channels, size] = row.startsWith("lenet") ? [1, 28] : [3, row.includes("large") ? 224 : 32];
	const data = new Float32Array(batch * channels * size * size);
	for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 12.9898) * 1.4;
	const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", data, [batch, channels, size, size]) };
	return { batch, step: () => session.run(feeds) };
}

(async () => {
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const [row, seconds, threads] = line.split(" ");
		try {
			const { batch, step } = (ready[row] ??= await prepare(row, Number(threads)));
			const warming = process.hrtime.bigint();
			do {
				await step();
			} while (Number(process.hrtime.bigint() - warming) / 1e9 < seconds / 4);
			const start = process.hrtime.bigint();
			let done = 0;
			let took = 0;
			do {
				for (let i = 0; i < Math.max(64 / batch, 1); i++) {
					await step();
					done += batch;
				}
				took = Number(process.hrtime.bigint() - start) / 1e9;
			} while (took < Number(seconds));
			console.log((done / took).toFixed(2));
		} catch (error) {
			console.log("error: " + String(error.message).split("\n")[0]);
		}
	}
})();
