/**
 * The manifest of an experiment: every field, its unit, its range, its default and where the default comes from. This file is the
 * one place a hyperparameter's default lives. Defaults follow the paper (arXiv 2505.20732) and, where that is silent, the released
 * code (WangHanLinHenry/SPA-RL-Agent@ed20087) or TRL 0.10.1, which it builds on; each departure says so.
 */
import Type from 'typebox';
import { choice, count, flag, group, optionalText, real } from './field.ts';
import { cosmetic, resource, semantic } from './role.ts';

const fraction = { minimum: 0, maximum: 1 };
const positive = { exclusiveMinimum: 0 };
const natural = { minimum: 0 };

const webshop = group('Rules of the world `webshop`; other worlds ignore them.', {
  goals: semantic(
    choice('Source `files`: instructions written by people, or the ones made of attributes and options.', [
      'human',
      'synthetic',
    ]),
  ),
  priceSeed: semantic(
    count('Seed of prices given as ranges; the original draws them anew in each process.', 1, natural),
  ),
  pageReward: semantic(
    choice(
      'Value of pages before the purchase: `none`, or what the released environment gives for the products on a page; a step earns the difference, so that the return is the value of the last page or the purchase.',
      ['none', 'released'],
    ),
  ),
  index: resource(
    optionalText(
      'Folder of the index of a large product file, made when first needed; null = `spa-index` beside the file.',
    ),
  ),
});

const virtualhome = group('Rules of the world `virtualhome`; other worlds ignore them.', {
  leakIds: semantic(
    flag(
      'The recorded solution decides which of several things of a name is meant, as released; false: the nearest, else one drawn from the seed.',
      true,
    ),
  ),
  strictHead: semantic(flag('Keep the faults of the public executor that the recorded data do not show.', false)),
  refusalFixesNames: semantic(
    flag(
      'A refused action still decides which thing its names mean from then on, as released; false: only an executed one does.',
      true,
    ),
  ),
});

const taskRange = (description: string) =>
  semantic(
    Type.Optional(
      Type.Union([Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })]), Type.Null()], {
        description,
        default: null,
      }),
    ),
  );

const http = group('The server of the world `http`; other worlds ignore it.', {
  url: resource(optionalText('Its address, e.g. http://127.0.0.1:36001.')),
  dialect: semantic(
    choice('The words it speaks: `generic` is what `spa serve` speaks, the others are AgentGym servers.', [
      'generic',
      'alfworld',
      'webshop',
      'textcraft',
      'sciworld',
    ]),
  ),
  world: semantic(
    optionalText('Name of the world behind it, which chooses the prompt; null = what the server or dialect says.'),
  ),
  revision: semantic(
    optionalText(
      'What tells two servers of the same tasks apart, e.g. a version: AgentGym servers do not say. In the key.',
    ),
  ),
  train: taskRange('Numbers of the training tasks, [from, to); null = what our own server lists.'),
  valid: taskRange('Numbers of the tasks of split `valid`.'),
  test: taskRange('Numbers of the tasks of split `test`.'),
  timeoutSeconds: resource(real('Longest wait for one reply.', 60, { exclusiveMinimum: 0, maximum: 300 })),
  retries: resource(count('How often a call that may be repeated is.', 4, natural)),
});

const environment = group('The world the agent acts in.', {
  name: semantic(choice('Which world; `http`: one behind a server.', ['alfworld', 'webshop', 'virtualhome', 'http'])),
  source: semantic(
    choice('`generated`: tasks made from a seed, no download; `files`: the published data of the world.', [
      'generated',
      'files',
    ]),
  ),
  data: resource(
    optionalText(
      'Folder of the published data, for source `files`; null = the variable ALFWORLD_DATA, WEBSHOP_DATA or VIRTUALHOME_DATA. Its content is in the key, its place is not.',
    ),
  ),
  size: semantic(
    choice('Size of generated scenes: `small` for a tiny model, `full` as in the published data.', ['small', 'full']),
  ),
  worldSeed: semantic(
    count(
      'Seed of the generated tasks; shared by all seeds of the experiment, so that they play the same tasks.',
      1,
      natural,
    ),
  ),
  games: group('How many tasks each generated split has.', {
    train: semantic(count('Training tasks.', 2000)),
    valid_seen: semantic(count('Held-out tasks in scenes, or about families of products, that training shows.', 140)),
    valid_unseen: semantic(
      count('Held-out tasks in scenes, or about families of products, that training never shows.', 134),
    ),
  }),
  maxTurns: semantic(
    Type.Optional(
      Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
        description:
          'Turns after which an episode ends as `limit`; null = as released (eval_agent/configs/task/*.json): alfworld 40, virtualhome 40, webshop 10; http 40.',
        default: null,
      }),
    ),
  ),
  webshop,
  virtualhome,
  http,
});

const prompt = group('How a turn is written.', {
  format: semantic(
    choice(
      '`react`: "Thought: … Action: …" as the paper; `action-only`: the bare command, for models too small to think.',
      ['react', 'action-only'],
    ),
  ),
  instruction: semantic(
    flag('Begin each conversation with the instruction of the world and an "OK" turn, as the paper does.', true),
  ),
});

const tokenizer = group('How text becomes tokens; ignored when `model.base` brings its own tokenizer.', {
  kind: semantic(choice('`word`: whole words, bytes for the rest; `bpe`: byte-level BPE.', ['word', 'bpe'])),
  vocabSize: semantic(
    count('Most tokens a trained vocabulary may have, special tokens included.', 1024, { minimum: 300 }),
  ),
  phrases: semantic(count('Multi-word pieces to learn, e.g. ", you see a". 0 = none.', 0, natural)),
});

const model = group('The language model.', {
  base: semantic(
    optionalText(
      'Folder of a Hugging Face Llama checkpoint to start from, relative to the manifest; null = random weights of the shape below. Its content is in the key.',
    ),
  ),
  layers: semantic(count('Transformer blocks.', 3)),
  hiddenSize: semantic(count('Model width D.', 128)),
  heads: semantic(count('Query heads.', 4)),
  kvHeads: semantic(count('Key/value heads; `heads` must be a multiple of it.', 2)),
  intermediateSize: semantic(count('Width of the feed-forward layer.', 352)),
  maxLength: semantic(count('Longest conversation in tokens; a longer one ends as `limit`.', 1024, { minimum: 32 })),
  ropeTheta: semantic(real('Base of the rotary position frequencies. Source: Llama, 10000.', 10000, positive)),
  tieEmbeddings: semantic(flag('Use the embedding matrix as output layer.', true)),
  previousTokenEmbedding: semantic(
    flag(
      'Add an embedding of the previous token to the input. Not Llama: lets a three-layer model copy names early.',
      false,
    ),
  ),
});

const demonstrations = group('Expert episodes the base policy learns from.', {
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

const sft = group('Stage sft: behaviour cloning of the expert.', {
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

const explore = group('Stage explore: the policy plays training games.', {
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

const estimator = group('Stage estimate: the progress estimator, sum over turns of MLP(h_t) = R.', {
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

const reward = group('Stage attribute: the reward of each turn.', {
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

const ppo = group('Stage optimise: proximal policy optimisation.', {
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

const evaluate = group('Stage evaluate: play on games held out from training.', {
  splits: semantic(
    Type.Optional(
      Type.Array(Type.Enum(['valid_seen', 'valid_unseen', 'valid', 'test', 'seen', 'unseen']), {
        description:
          'Which splits to play. Generated worlds and ALFWorld have `valid_seen` and `valid_unseen`, WebShop files `valid` and `test`, VirtualHome files `seen` and `unseen`.',
        default: ['valid_seen', 'valid_unseen'],
        uniqueItems: true,
        minItems: 1,
      }),
    ),
  ),
  temperatures: semantic(
    Type.Optional(
      Type.Array(Type.Number({ minimum: 0 }), {
        description: 'Temperatures to play at; 0 is greedy, as the paper.',
        default: [0],
        uniqueItems: true,
        minItems: 1,
      }),
    ),
  ),
  samples: semantic(count('Episodes per game at each temperature above 0.', 1)),
  maxNewTokens: semantic(count('Tokens after which a reply is cut. Source: released, 512.', 512)),
});

const server = group('A model behind an OpenAI-compatible server that plays instead of one trained here.', {
  url: resource(
    optionalText(
      'Base address with its version, e.g. http://127.0.0.1:8000/v1; null = train and play here. With a server nothing is trained.',
    ),
  ),
  model: semantic(optionalText('Name of the model as the server knows it; needed with `url`.')),
  revision: semantic(
    optionalText(
      'What tells two models of the same name apart, e.g. a date or a digest: a server does not say. In the key.',
    ),
  ),
  template: semantic(
    choice(
      '`server`: messages are sent and the chat template of the server writes them down; `checkpoint`: the tokenizer and template of `model.base` do, and token ids are sent.',
      ['server', 'checkpoint'],
    ),
  ),
  plays: semantic(
    Type.Optional(
      Type.Array(Type.Enum(['evaluate', 'explore']), {
        description: 'What it plays: held-out tasks, and training tasks whose successes another experiment can clone.',
        default: ['evaluate'],
        uniqueItems: true,
        minItems: 1,
      }),
    ),
  ),
  apiKeyVariable: resource(
    optionalText(
      'Environment variable that holds the key, e.g. OPENAI_API_KEY; null = the server asks for none. Named, so that a key goes nowhere by accident.',
    ),
  ),
  timeoutSeconds: resource(real('Time for one reply.', 120, positive)),
  retries: resource(count('How often a request that timed out or met a fault of the server is repeated.', 4, natural)),
});

const engine = group('What computes. None of it is in a key: engines agree to 1e-5.', {
  name: resource(
    choice('Tensor engine; `auto` takes the fastest that passes its self-test here. `spa doctor` lists them.', [
      'auto',
      'onnx',
      'onnx-cuda',
      'onnx-webgpu',
      'tfjs-node',
      'tfjs-node-gpu',
      'cpu',
    ]),
  ),
  threads: resource(count('Threads of one stage; 0 = all cores shared among the stages that run at once.', 0, natural)),
  slots: resource(count('Episodes played at once: decoded together, or asked of a server at the same time.', 64)),
});

/** JSON Schema of what a user writes: every group and field but `name` may be left out. */
export const experimentSchema = Type.Object(
  {
    name: cosmetic(
      Type.String({
        description: 'Name of the experiment.',
        minLength: 1,
        maxLength: 100,
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
      }),
    ),
    note: cosmetic(optionalText('What the experiment asks.')),
    seeds: semantic(
      Type.Optional(
        Type.Array(Type.Integer({ minimum: 0 }), {
          description: 'Seeds; each is a lane of stages of its own.',
          default: [1],
          uniqueItems: true,
          minItems: 1,
        }),
      ),
    ),
    environment,
    prompt,
    tokenizer,
    model,
    demonstrations,
    sft,
    explore,
    estimator,
    reward,
    ppo,
    evaluate,
    server,
    engine,
  },
  { $id: 'experiment', title: 'spa experiment', additionalProperties: false },
);

/** What a user writes. */
export type Experiment = Type.Static<typeof experimentSchema>;

/** Makes every field present, at every depth. */
type Resolved<T> = T extends readonly (infer U)[]
  ? readonly Resolved<U>[]
  : T extends object
    ? { readonly [K in keyof T]-?: Resolved<Exclude<T[K], undefined>> }
    : T;

/** A manifest with its defaults filled in: what stages read. */
export type Manifest = Resolved<Experiment>;

/**
 * Declares an experiment; the identity function, for its types.
 * @returns The same object. Defaults are filled in and problems are reported when it is run.
 */
export function defineExperiment(experiment: Experiment): Experiment {
  return experiment;
}
