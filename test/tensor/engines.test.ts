/** What is said about engines that are, and are not, on this machine. */
import { describe, expect, it, vi } from 'vitest';
import { SpaError } from '../../src/base/error.ts';
import { compile } from '../../src/tensor/compile.ts';
import { compileOnnx } from '../../src/tensor/engine/onnx.ts';
import { chooseEngine, listEngines, type Probe, testEngines } from '../../src/tensor/engines.ts';
import { fused } from '../../src/tensor/fused.ts';
import type { ProbeAnswer } from '../../src/tensor/probe.ts';
import { type EngineName, engineNames } from '../../src/tensor/program.ts';
import { selfTest } from '../../src/tensor/self-test.ts';
import { tf } from '../../src/tensor/tf.ts';
import { difference, runOn } from './parity.ts';

const missing = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
const nothingInstalled = async (name: string): Promise<unknown> => {
  throw missing(name);
};

describe('engines', () => {
  it('onnx without its package says how to install it', async () => {
    const error = await compileOnnx(({ x }) => ({ x: x! }), { x: { shape: [] } }, { load: nothingInstalled }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(SpaError);
    expect(error).toMatchObject({
      message: 'Cannot load engine "onnx": it is not installed, expected its package and native part',
      hint: expect.stringMatching(/ONNXRUNTIME_NODE_INSTALL=skip.*--ignore-scripts/),
    });
  });

  it.each(['tfjs-node', 'tfjs-node-gpu'] as const)(
    '%s says how to install it, whether package or addon is missing',
    async (engine) => {
      const addon = Object.assign(new Error('The specified module could not be found.\ntfjs_binding.node'), {
        code: 'ERR_DLOPEN_FAILED',
      });
      const failures = [
        { failure: missing('x'), reason: 'it is not installed' },
        { failure: addon, reason: 'it does not load (The specified module could not be found.)' },
      ];
      for (const { failure, reason } of failures) {
        const status = (await listEngines(() => Promise.reject(failure))).find(({ name }) => name === engine);
        expect(status).toMatchObject({
          available: false,
          reason: `Cannot load engine "${engine}": ${reason}, expected its package and native part`,
          hint: expect.stringContaining(`npm install @tensorflow/${engine}`),
        });
      }
      expect(tf.getBackend()).toBe('cpu');
    },
  );

  it('are listed with version or reason', async () => {
    const engines = await listEngines();
    expect(engines.map(({ name }) => name)).toEqual(engineNames);
    for (const name of ['onnx', 'onnx-cuda', 'onnx-webgpu'] as const) {
      expect(engines.find((engine) => engine.name === name)).toMatchObject({
        available: true,
        version: expect.stringMatching(/^\d+\.\d+/),
      });
    }
    expect(engines.find(({ name }) => name === 'cpu')).toMatchObject({
      available: true,
      version: expect.stringMatching(/^4\./),
    });
  });

  /** Answers for engines that are not here. */
  const probing =
    (verdicts: Partial<Record<EngineName, ProbeAnswer>>): Probe =>
    async (name) =>
      verdicts[name] ?? { reason: 'no adapter', hint: undefined };
  const passed = (gflops: number): ProbeAnswer => ({ selfTest: { ok: true, maxError: 0, gflops } });
  const wrong: ProbeAnswer = { selfTest: { ok: false, maxError: 0.25, gflops: 9000 } };
  const onlyOnnx = (name: string) =>
    name === 'onnxruntime-node' ? import('onnxruntime-node') : nothingInstalled(name);

  it('auto takes the fastest that passes its self-test', async () => {
    const choose = (verdicts: Partial<Record<EngineName, ProbeAnswer>>) =>
      chooseEngine('auto', { load: onlyOnnx, probe: probing(verdicts) });
    expect(await choose({ onnx: passed(130) })).toBe('onnx');
    expect(await choose({ onnx: passed(130), 'onnx-webgpu': passed(900) })).toBe('onnx-webgpu');
    expect(await choose({ onnx: passed(130), 'onnx-webgpu': passed(90) })).toBe('onnx');
    expect(await choose({ onnx: passed(130), 'onnx-cuda': wrong })).toBe('onnx');
    expect(await choose({ onnx: wrong })).toBe('cpu');
    expect(await choose({ 'tfjs-node': passed(9000) })).toBe('cpu'); // not installed: nobody asks it
  });

  it('an engine that is named is taken as it is', async () => {
    expect(await chooseEngine('cpu', { load: nothingInstalled })).toBe('cpu');
    expect(await chooseEngine('auto', { load: nothingInstalled })).toBe('cpu');
  });

  it('a test says what it found', async () => {
    const reports = await testEngines(undefined, {
      load: onlyOnnx,
      probe: probing({ 'onnx-cuda': wrong, onnx: passed(1) }),
    });
    expect(reports.find(({ name }) => name === 'onnx-cuda')?.reason).toBe(
      'its numbers are off by 0.25, expected at most 1e-5',
    );
    expect(reports.find(({ name }) => name === 'onnx-webgpu')).toMatchObject({
      reason: 'no adapter',
      hint: 'It needs a GPU with a Vulkan, Metal or Direct3D 12 driver',
    });
    expect(reports.find(({ name }) => name === 'onnx')?.reason).toBeUndefined();
    expect(reports.find(({ name }) => name === 'tfjs-node')).toMatchObject({ available: false });
  });

  it('print nothing', async () => {
    const spies = (['log', 'warn', 'error', 'info'] as const).map((method) => vi.spyOn(console, method));
    for (const engine of ['cpu', 'onnx'] as const) {
      await using program = await compile(({ x }) => ({ y: tf.exp(x!) }), { x: { shape: [2] } }, { engine });
      await program.run({ x: new Float32Array(2) });
    }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe('selfTest()', () => {
  it.each(['onnx', 'cpu'] as const)('passes on %s and measures a speed', async (engine) => {
    const { ok, maxError, gflops } = await selfTest({ engine }, { size: 64 });
    expect(ok).toBe(true);
    expect(maxError).toBeLessThanOrEqual(1e-5);
    expect(gflops).toBeGreaterThan(0);
  });
});

describe('fused()', () => {
  it('records the operator of ONNX Runtime and runs the composition elsewhere', async () => {
    const gelu = fused(
      (graph, { x }) => ({
        y: graph.node('Gelu', [x!], { dtype: 'float32', shape: x!.shape, domain: 'com.microsoft' }),
      }),
      ({ x }) => ({ y: tf.mul(tf.mul(x!, 0.5), tf.add(tf.erf(tf.div(x!, Math.SQRT2)), 1)) }),
    );
    const testCase = {
      fn: ({ x }: Record<string, tf.Tensor>) => ({ y: tf.mul(gelu({ x: x! }).y!, 2) }),
      inputs: { x: { shape: [2, 5] } },
    };
    const [expected, actual] = [await runOn('cpu', testCase), await runOn('onnx', testCase)];
    expect(difference(expected.results.y!, actual.results.y!)).toBeLessThanOrEqual(2e-6);
  });
});
