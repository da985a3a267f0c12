/** Losses against numbers worked out by hand and by TRL's formulas. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { languageLoss, policyLoss, progressLoss, regressionLoss, valueLoss } from '../../src/nn/losses.ts';
import { tf } from '../../src/tensor/tf.ts';

const goldenPath = fileURLToPath(new URL('../../../shared/spec/golden/ppo.json', import.meta.url));
const numberOf = (tensor: tf.Tensor): number => tensor.dataSync()[0]!;

describe.skipIf(!existsSync(goldenPath))(
  'PPO on the golden numbers of TRL 0.10.1 (skipped without ../shared/spec)',
  () => {
    it('has their policy loss, value loss, total and mean ratio', () => {
      const golden = JSON.parse(readFileSync(goldenPath, 'utf8'));
      const { cliprange, cliprangeValue, vfCoef, ...expected } = golden.loss;
      const mask: number[] = golden.mask.flat();
      const shares = mask.map((bit) => bit / mask.reduce((sum, value) => sum + value, 0));
      const column = (rows: number[][]): tf.Tensor => tf.tensor1d(rows.flat());
      const gae = golden.gae[0];
      const masked = golden.values.map((row: number[], b: number) => row.map((value, t) => value * golden.mask[b][t]));
      const arrays = {
        weights: tf.tensor1d(shares),
        oldLogProbs: column(golden.oldLogprobs),
        refLogProbs: column(golden.oldLogprobs),
        advantages: column(gae.advantagesWhitened),
      };
      const policy = policyLoss(column(golden.newLogprobs), arrays, cliprange);
      const values = {
        valueWeights: tf.tensor1d(shares),
        valueTargets: column(gae.returns),
        oldValues: column(masked),
      };
      const value = numberOf(valueLoss(column(golden.vpreds), values, cliprangeValue));
      expect(numberOf(policy.policyLoss)).toBeCloseTo(expected.pgLoss, 6);
      expect(value).toBeCloseTo(expected.vfLoss, 6);
      expect(numberOf(policy.policyLoss) + vfCoef * value).toBeCloseTo(expected.total, 6);
      expect(numberOf(policy.meanRatio)).toBeCloseTo(expected.meanRatio, 6);
    });
  },
);

describe('policyLoss()', () => {
  // ratios 1.5, 0.5, 1.5, 0.5 with advantages 1, 1, -1, -1 and clip 0.2:
  // max(-Aρ, -A clip ρ) = max(-1.5, -1.2), max(-0.5, -0.8), max(1.5, 1.2), max(0.5, 0.8) = -1.2, -0.5, 1.5, 0.8; mean 0.15
  const ratios = [1.5, 0.5, 1.5, 0.5];
  const arrays = {
    weights: tf.tensor1d([0.25, 0.25, 0.25, 0.25]),
    oldLogProbs: tf.zeros([4]),
    refLogProbs: tf.tensor1d(ratios.map((ratio) => Math.log(ratio) + Math.log(2))),
    advantages: tf.tensor1d([1, 1, -1, -1]),
  };

  it('clips only the profitable side', () => {
    const terms = policyLoss(tf.tensor1d(ratios.map(Math.log)), arrays, 0.2);
    expect(numberOf(terms.policyLoss)).toBeCloseTo(0.15, 6);
    expect(numberOf(terms.clipFraction)).toBe(1);
    expect(numberOf(terms.meanRatio)).toBeCloseTo(1, 6);
  });

  it('measures the KL divergence by k3', () => {
    // ref - new = ln 2 everywhere: 2 - ln 2 - 1 = 0.306853
    expect(numberOf(policyLoss(tf.tensor1d(ratios.map(Math.log)), arrays, 0.2).kl)).toBeCloseTo(1 - Math.LN2, 6);
  });

  it('is not disturbed by what stands at positions of weight 0', () => {
    const weights = tf.tensor1d([0, 0, 0.5, 0.5]);
    const logProbs = tf.tensor1d([900, -900, Math.log(1.5), Math.log(0.5)]);
    const terms = policyLoss(logProbs, { ...arrays, weights }, 0.2); // (1.5 + 0.8) / 2
    expect(numberOf(terms.policyLoss)).toBeCloseTo(1.15, 6);
    expect(numberOf(terms.kl)).toBeCloseTo(1 - Math.LN2, 6);
  });
});

describe('valueLoss()', () => {
  const arrays = {
    valueWeights: tf.tensor1d([0.5, 0.5]),
    valueTargets: tf.tensor1d([1, 1]),
    oldValues: tf.tensor1d([0, 0]),
  };

  it('counts the worse of the clipped and the free error', () => {
    // free errors (0.5 - 1)² = 0.25, (-0.1 - 1)² = 1.21; clipped to 0.2 and -0.1: 0.64, 1.21; ½ · (0.64 + 1.21) / 2 = 0.4625
    expect(numberOf(valueLoss(tf.tensor1d([0.5, -0.1]), arrays, 0.2))).toBeCloseTo(0.4625, 6);
  });

  it('does not clip when valueClip is Infinity', () => {
    expect(numberOf(valueLoss(tf.tensor1d([0.5, -0.1]), arrays, Number.POSITIVE_INFINITY))).toBeCloseTo(0.365, 6); // ½ · 1.46 / 2
  });
});

describe('regressionLoss()', () => {
  it('is the weighted mean of the squared errors', () => {
    // 0.25 · (1 - 3)² + 0.75 · (2 - 1)² = 1.75
    const x = { valueWeights: tf.tensor1d([0.25, 0.75, 0]), valueTargets: tf.tensor1d([3, 1, 9]) };
    expect(numberOf(regressionLoss(tf.tensor1d([1, 2, 0]), x).loss)).toBeCloseTo(1.75, 6);
  });
});

describe('progressLoss()', () => {
  it('squares the difference of the summed contributions and the outcome', () => {
    // sums 0.1 + 0.3 = 0.4 and 0.5; errors (0.4 - 1)² = 0.36 and (0.5 - 0)² = 0.25; mean 0.305. The third row is padding.
    const c = tf.tensor2d([[0.1, 9, 0.3], [9, 0.5, 9], [7, 7, 7]]); // biome-ignore format: one row per sequence
    const readMask = tf.tensor2d([[1, 0, 1], [0, 1, 0], [0, 0, 0]]); // biome-ignore format: one row per sequence
    const terms = progressLoss(c, {
      readMask,
      returns: tf.tensor1d([1, 0, 5]),
      rowWeights: tf.tensor1d([0.5, 0.5, 0]),
    });
    expect(numberOf(terms.loss)).toBeCloseTo(0.305, 6);
    expect(numberOf(terms.metrics.meanPrediction!)).toBeCloseTo(0.45, 6);
  });
});

describe('languageLoss()', () => {
  it('weights tokens and reports the cross-entropy of the agent apart', () => {
    // rows of logits (0, 0) and (0, ln 3): log p = -ln 2 for token 0, ln(3/4) for token 1
    const logits = tf.tensor2d([[0, 0], [0, Math.log(3)]]); // biome-ignore format: one row per token
    const targets = tf.tensor1d([0, 1], 'int32');
    const terms = languageLoss(logits, {
      targets,
      weights: tf.tensor1d([0.25, 0.75]),
      agentWeights: tf.tensor1d([0, 1]),
    });
    expect(numberOf(terms.loss)).toBeCloseTo(0.25 * Math.LN2 + 0.75 * Math.log(4 / 3), 6);
    expect(numberOf(terms.metrics.crossEntropy!)).toBeCloseTo(Math.log(4 / 3), 6);
  });
});
