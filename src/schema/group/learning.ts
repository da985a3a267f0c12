/** The stages that learn, and what they learn from: fields of the manifest. */
import Type from 'typebox';
import { choice, count, fraction, group, natural, optionalText, positive, real } from '../field.ts';
import { resource, semantic } from '../role.ts';

/** Group `demonstrations` of the manifest. */
export const demonstrations = group('Expert episodes the base policy learns from.', {
  file: resource(
    optionalText(
      'Trajectory file (.arrow) of recorded episodes to clone instead of asking the scripted expert, relative to the manifest; null = ask it. Only its successes in tasks that are training tasks of the world are used, and the other fields of this group are not. Its content is in the key.',
    ),
  ),
  episodes: semantic(count('Expert episodes, spread over the training games.', 2000)),
  recovery: semantic(
    real(
      'Probability per turn that a random, often refused, action is played before the expert goes on; it is shown but never imitated.',
      0,
      fraction,
    ),
  ),
  rename: semantic(
    real(
      'Share of the episodes in which things and places get other names and numbers, so that rooms are read and not remembered.',
      0,
      fraction,
    ),
  ),
});

const training = (defaults: { epochs: number; learningRate: number; epochsSource: string; rateSource: string }) => ({
  epochs: semantic(real(`Passes over the data. ${defaults.epochsSource}`, defaults.epochs, positive)),
  batchTokens: semantic(
    count('Tokens of a batch, padding included. The paper counts sequences (16 of up to 4096 tokens).', 4096, {
      minimum: 32,
    }),
  ),
  learningRate: semantic(real(`Highest learning rate. ${defaults.rateSource}`, defaults.learningRate, positive)),
  schedule: semantic(choice('Course of the learning rate after warm-up.', ['cosine', 'linear', 'constant'])),
  floor: semantic(real('Last learning rate as a share of the highest.', 0, fraction)),
  warmup: semantic(
    real('Share of the steps in which the rate rises. Source: released sft/*.sh, 0.03.', 0.03, fraction),
  ),
  weightDecay: semantic(real('Decoupled weight decay of matrices.', 0, natural)),
  beta1: semantic(real('AdamW first moment decay.', 0.9, fraction)),
  beta2: semantic(real('AdamW second moment decay.', 0.999, fraction)),
  clipNorm: semantic(real('Largest global gradient norm.', 1, positive)),
});

/** Group `sft` of the manifest. */
export const sft = group('Stage sft: behaviour cloning of the expert.', {
  ...training({
    epochs: 3,
    learningRate: 2e-5,
    epochsSource: 'Source: released sft/*.sh, 3.',
    rateSource: 'Source: released sft/*.sh, 2e-5 for a 3B model.',
  }),
  observationWeight: semantic(
    real(
      'Weight of observation tokens in the loss; agent tokens weigh 1. The paper: 0. A tiny model needs about 0.3.',
      0,
      fraction,
    ),
  ),
});

/** Group `explore` of the manifest. */
export const explore = group('Stage explore: the policy plays training games.', {
  tasks: semantic(count('Training games to explore in each round.', 160)),
  rollouts: semantic(count('Episodes per game, M. Source: released exploration/*.sh, 10 (WebShop 5).', 10)),
  temperature: semantic(real('Sampling temperature. Source: released, 1.', 1, natural)),
  topP: semantic(real('Nucleus sampling mass.', 1, { exclusiveMinimum: 0, maximum: 1 })),
  maxNewTokens: semantic(count('Tokens after which a reply is cut. Source: released, 512.', 512)),
});

const lengthGroups = semantic(
  count(
    'Micro-batches a step is mixed from, each of sequences of one length; 1 = all sequences of a step are about as long as each other, which often means that all of them failed or all succeeded. The paper mixes at random.',
    4,
  ),
);

/** Group `estimator` of the manifest. */
export const estimator = group('Stage estimate: the progress estimator, sum over turns of MLP(h_t) = R.', {
  ...training({
    epochs: 1,
    learningRate: 3e-6,
    epochsSource: 'Source: released prm/train_our_progress_model.py, 1.',
    rateSource: 'Source: released prm/train_our_progress_model.py, 3e-6 for a 3B model.',
  }),
  lengthGroups,
  heldOut: semantic(
    real('Share of explored games kept out of its training, for its own metrics. The released code has none.', 0.2, {
      minimum: 0,
      maximum: 0.9,
    }),
  ),
});

/** Group `reward` of the manifest. */
export const reward = group('Stage attribute: the reward of each turn.', {
  scheme: semantic(
    choice(
      '`spa`: alpha c + beta g; `released`: what the released code computes (leave-one-out return plus grounding by its text test, times the turns left; with gaeScope `all-tokens` and grounding `bonus` it is the released method); `outcome`: R on the last turn; `progress-only`; `grounding-only`.',
      ['spa', 'released', 'outcome', 'progress-only', 'grounding-only'],
    ),
  ),
  alpha: semantic(real('Weight of progress. Source: paper, 1.', 1, natural)),
  beta: semantic(real('Weight of grounding. Source: paper, 0.5.', 0.5, natural)),
  grounding: semantic(
    choice('`bonus`: g in {0, 1} as the paper; `penalty`: g - 1, which pays nothing for wandering.', [
      'bonus',
      'penalty',
    ]),
  ),
});

const kl = group('How the policy is held near the base policy.', {
  coefficient: semantic(real('Weight of the divergence. Source: StepTool_ppo.json, 0.3, in the reward.', 0.3, natural)),
  placement: semantic(
    choice(
      '`reward`: -coefficient (log p - log ref) on each token, as TRL; `loss`: the k3 estimate added to the loss.',
      ['reward', 'loss'],
    ),
  ),
});

const lora = group('Low-rank adaptation of the policy; the merged weights are saved.', {
  rank: semantic(
    count('Width of the adapters; 0 trains all weights. Source: StepTool_ppo.json, 8 for a 3B model.', 0, natural),
  ),
  alpha: semantic(real('Scale of the adapters is alpha / rank. Source: StepTool_ppo.json, 16.', 16, positive)),
  dropout: semantic(
    real('Share of the inputs of an adapter hidden in training. Source: peft 0.12 LoraConfig, 0.', 0, {
      minimum: 0,
      exclusiveMaximum: 1,
    }),
  ),
  targets: semantic(
    Type.Optional(
      Type.Array(Type.Enum(['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']), {
        description: 'Matrices of each layer that get an adapter.',
        default: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
        uniqueItems: true,
        minItems: 1,
      }),
    ),
  ),
});

/** Group `ppo` of the manifest. */
export const ppo = group('Stage optimise: proximal policy optimisation.', {
  ...training({
    epochs: 4,
    learningRate: 1e-5,
    epochsSource: 'Passes over each round of episodes. Source: TRL 0.10.1, 4.',
    rateSource: 'Source: StepTool_ppo.json, 1e-5 for LoRA on a 3B model.',
  }),
  lengthGroups,
  rounds: semantic(
    count('Rounds of explore, estimate, attribute, optimise. The paper: 1 (offline).', 1, { minimum: 1, maximum: 50 }),
  ),
  clip: semantic(real('Ratio clip. Source: TRL 0.10.1, 0.2.', 0.2, positive)),
  valueClip: semantic(real('Clip of the value change. Source: TRL 0.10.1, 0.2.', 0.2, positive)),
  valueCoefficient: semantic(real('Weight of the value loss. Source: TRL 0.10.1, 0.1.', 0.1, natural)),
  gamma: semantic(real('Discount per step of the GAE scope. Source: StepTool_ppo.json, 0.99.', 0.99, fraction)),
  lambda: semantic(real('GAE decay per step of its scope. Source: TRL 0.10.1, 0.95.', 0.95, fraction)),
  gaeScope: semantic(
    choice(
      'What one GAE step is: a `turn`, an agent token (`response-tokens`), or any token, observations included (`all-tokens`, released).',
      ['turn', 'response-tokens', 'all-tokens'],
    ),
  ),
  critic: semantic(
    choice('`shared`: value head on the policy, as TRL; `separate`: a network of its own.', ['shared', 'separate']),
  ),
  criticInit: semantic(choice('What a separate critic starts from.', ['policy', 'estimator'])),
  criticEpochs: semantic(
    real(
      'Passes in which only the critic learns, before the first policy update of a round, at a rate that falls linearly to a tenth.',
      0,
      natural,
    ),
  ),
  criticLearningRate: semantic(
    real('Highest learning rate of those passes, and of a separate critic during PPO.', 1e-5, positive),
  ),
  kl,
  lora,
});
