// Runs ONNX models: node run_onnx.mjs FOLDER JOBS.json
//
// FOLDER: where onnxruntime-node is installed. JOBS.json: a list of
//   model         ONNX file
//   images        raw file, uint8, N x H x W x C
//   shape         [C, H, W]
//   zero, scale   the model's input is (pixel - zero) * scale
//   optimization  disabled, basic, extended or all
//   outputs       {name: file to write, float32 as the tensor stands, of all images}
import { createRequire } from 'node:module';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

const BATCH = 50;

const [folder, jobs] = process.argv.slice(2);
const ort = createRequire(`${folder}/`)('onnxruntime-node');

/** Floats in the order N x C x H x W of images in the order N x H x W x C. */
function planar(pixels, count, { shape: [channels, height, width], zero, scale }) {
  const floats = new Float32Array(pixels.length);
  const plane = height * width;
  for (let n = 0; n < count; ++n)
    for (let p = 0; p < plane; ++p)
      for (let c = 0; c < channels; ++c)
        floats[(n * channels + c) * plane + p] = (pixels[(n * plane + p) * channels + c] - zero) * scale;
  return floats;
}

async function run(job) {
  const session = await ort.InferenceSession.create(job.model, {
    graphOptimizationLevel: job.optimization,
    logSeverityLevel: 3,
  });
  const pixels = readFileSync(job.images);
  const size = job.shape.reduce((product, extent) => product * extent, 1);
  const count = pixels.length / size;
  const files = Object.entries(job.outputs).map(([name, file]) => [name, openSync(file, 'w')]);
  for (let first = 0; first < count; first += BATCH) {
    const images = Math.min(BATCH, count - first);
    const batch = planar(pixels.subarray(first * size, (first + images) * size), images, job);
    const input = new ort.Tensor('float32', batch, [images, ...job.shape]);
    const results = await session.run({ [session.inputNames[0]]: input });
    for (const [name, file] of files) writeSync(file, new Uint8Array(results[name].data.buffer));
  }
  for (const [, file] of files) closeSync(file);
  await session.release();
}

for (const job of JSON.parse(readFileSync(jobs, 'utf8'))) await run(job);
