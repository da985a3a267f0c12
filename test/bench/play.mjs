/**
 * Generated tokens per second at play, ours against transformers and llama.cpp on the same weights. N episodes of generated ALFWorld go on
 * at once; the world answers by a script (the expert's episode), so that all sides read the same observations; each turn every side
 * generates the same number of tokens, greedily, the last of which is replaced by the stop token. Rounds are taken in turns.
 *
 *   SPA_TORCH_PYTHON   a Python with torch, transformers, safetensors and gguf
 *   SPA_LLAMA_CPP      a folder where `npm i node-llama-cpp --omit=optional --ignore-scripts` and then
 *                      `npm i @node-llama-cpp/linux-x64 --omit=optional --ignore-scripts` were run (needs the Python too: it writes the GGUF)
 *   npm run bench -- play [--parallel 1,8,32,64] [--rounds 3] [--turns 6] [--tokens 12] [--threads 1]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const python = process.env.SPA_TORCH_PYTHON;
const llamaFolder = process.env.SPA_LLAMA_CPP;
const prompt = { format: 'action-only', instruction: false };
const maxLength = 512;
const shape = { layers: 4, hiddenSize: 256, heads: 8, kvHeads: 4, headSize: 32, intermediateSize: 704 };
const rest = { ropeTheta: 10000, normEps: 1e-5, tieEmbeddings: false, previousTokenEmbedding: false };

/** llama.cpp as it comes, and without the flash attention it chooses, which reads prompts four times as slowly on a processor. */
const llamaSettings = [
  ['as it comes', {}],
  ['no flash attention', { flashAttention: false }],
];

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Loads from dist what this process needs; the llama.cpp process needs none of it. */
export async function ownModules() {
  const names = {
    alfworld: 'env/alfworld/alfworld',
    chat: 'text/chat-format',
    prompts: 'text/prompt',
    loading: 'text/load-tokenizer',
    training: 'text/train-tokenizer',
    models: 'nn/model',
    layouts: 'nn/layout',
    decoders: 'nn/decoder',
    policies: 'rollout/native-policy',
    folders: 'stage/policy',
  };
  const loaded = Object.entries(names).map(async ([key, path]) => [key, await import(`../../dist/${path}.js`)]);
  return Object.fromEntries(await Promise.all(loaded));
}

/** The observations of the expert's episode on a task, the opening first. */
function observationsOf(environment, task) {
  const expert = environment.expert(task);
  let { state, observation } = environment.reset(task);
  const [observations, actions] = [[observation], []];
  for (let i = 0; i < 40; i++) {
    const admissible = environment.admissible(task, state);
    actions.push(expert.act({ observation, admissible, lastAction: actions.at(-1) }));
    const transition = environment.step(task, state, actions.at(-1));
    if (transition.done) break;
    ({ state, observation } = transition);
    observations.push(observation);
  }
  return { observations, actions };
}

/** Episodes with enough turns, and a model whose vocabulary is trained on them; `written` are the tokens of every expert episode. */
export function makeScene(own, { count, turns, size = shape }) {
  const counts = { train: 600, valid_seen: 0, valid_unseen: 0 };
  const environment = own.alfworld.openAlfworld({ source: 'generated', seed: 1, counts });
  const episodes = environment.tasks('train').map((task) => observationsOf(environment, task));
  const texts = episodes.flatMap(({ observations, actions }) => [...observations, ...actions]);
  const options = { kind: 'word', vocabSize: 640, phrases: 64, specials: own.chat.embeddedSpecials };
  const tokenizerJson = own.training.trainTokenizer(texts, options);
  const tokenizer = own.loading.loadTokenizer(tokenizerJson);
  const format = own.chat.createChatFormat({ tokenizer, template: own.chat.embeddedTemplate });
  const model = own.models.createModel({ ...size, ...rest, vocabSize: tokenizer.vocabSize, maxLength }, [], 1);
  silenceStops(own, model, format.stopIds);
  const scripts = episodes.filter(({ observations }) => observations.length >= turns).slice(0, count);
  if (scripts.length < count) throw new Error(`only ${scripts.length} episodes have ${turns} turns, expected ${count}`);
  const conversations = scripts.map(({ observations }) => {
    const [first, ...later] = observations.slice(0, turns);
    const opening = own.prompts.openingMessages(prompt, { environment: environment.name, observation: first });
    return { opening, later: later.map((observation) => own.prompts.observationMessage(prompt, observation)) };
  });
  const scripted = conversations.map(({ opening, later }) => [
    format.encodeOpening(opening),
    ...later.map((message) => format.encodeObservation(message)),
  ]);
  const written = episodes.map(({ observations, actions }) => [
    ...format.encodeOpening([{ role: 'user', content: observations[0] }]),
    ...actions.flatMap((action, turn) => [
      ...format.encodeAgent(action),
      ...(turn + 1 < observations.length
        ? format.encodeObservation({ role: 'user', content: observations[turn + 1] })
        : []),
    ]),
  ]);
  return { model, format, tokenizerJson, conversations, scripted, written };
}

/** Gives the stop tokens logit 0, far below the largest of many random ones, so that no side stops before the last token. */
function silenceStops(own, model, stopIds) {
  const { entries } = own.layouts.layoutOf(model.config, []);
  const head = own.layouts.viewOf(
    model.parameters,
    entries.find(({ name }) => name === 'lm_head.weight'),
  );
  for (const id of stopIds) head.fill(0, id * model.config.hiddenSize, (id + 1) * model.config.hiddenSize);
}

/** Our side: continuous batching, the cache kept between turns. Times reading texts and writing them, which the others are spared. */
function startOurs(own, scene, { parallel, threads, tokens }) {
  const decoder = own.decoders.createDecoder(scene.model, { engine: 'onnx', threads, slots: parallel, maxLength });
  const sampling = { temperature: 0, topP: 1, maxNewTokens: tokens };
  const policy = own.policies.createNativePolicy({ decoder, format: scene.format, sampling, seed: 1 });
  const episode = async ({ opening, later }, name) => {
    const replies = [];
    let conversation = opening;
    for (let turn = 0; turn <= later.length; turn++) {
      const reply = await policy.act({ episode: name, conversation });
      replies.push([...reply.tokenIds]);
      conversation = [...conversation, { role: 'assistant', content: reply.text }, later[turn]];
    }
    policy.release(name);
    return replies;
  };
  return {
    play: async (conversations) => {
      const [start, cpu] = [performance.now(), process.cpuUsage()];
      const replies = await Promise.all(conversations.map((conversation, i) => episode(conversation, `${i}`)));
      return { replies, ...spent(start, cpu) };
    },
    close: () => policy[Symbol.asyncDispose](),
  };
}

function spent(start, cpu) {
  const { user, system } = process.cpuUsage(cpu);
  const peak = process.resourceUsage().maxRSS / 1024;
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, peak };
}

/** Starts a process that answers JSON lines. */
function startProcess(command, words) {
  const child = spawn(command, words, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TQDM_DISABLE: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (message) => {
      child.stdin.write(`${JSON.stringify(message)}\n`);
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${words[0]} ended`);
        if (value.startsWith('{')) return JSON.parse(value);
      }
    },
    close: () => new Promise((done) => child.once('exit', done) && child.stdin.end()),
  };
}

/** The process that plays with llama.cpp, told line by line as the Python one is: every sequence keeps its cache between turns. */
async function serveLlama() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value ?? 'null');
  const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  const setup = await next();
  const root = resolve(setup.llamaFolder, 'node_modules/node-llama-cpp');
  const entry = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { getLlama } = await import(pathToFileURL(join(root, entry.main)).href);
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: setup.threads, logLevel: 'error' });
  const model = await llama.loadModel({ modelPath: setup.gguf, gpuLayers: 0 });
  const context = await model.createContext({
    sequences: setup.parallel,
    contextSize: setup.maxLength,
    threads: setup.threads,
    ...setup.context,
  });
  const sequences = Array.from({ length: setup.parallel }, () => context.getSequence());
  answer({ version: entry.version });
  for (let asked = await next(); asked !== null; asked = await next()) {
    await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const episode = (conversation, i) => llamaEpisode(sequences[i], conversation, setup);
    const replies = await Promise.all(asked.conversations.map(episode));
    answer({ replies, ...spent(start, cpu) });
  }
  await llama.dispose();
}

async function llamaEpisode(sequence, conversation, { tokens, stop }) {
  const replies = [];
  for (const fresh of conversation) {
    const feed = replies.length === 0 ? fresh : [stop, ...fresh];
    const reply = [];
    for await (const token of sequence.evaluate(feed, { temperature: 0, yieldEogToken: true })) {
      reply.push(token);
      if (reply.length === tokens) break;
    }
    reply[tokens - 1] = stop;
    replies.push(reply);
  }
  return replies;
}

/** The sides to measure, each with `play(count)`; those without what they need are left out with a line that says so. */
async function startSides(own, scene, options) {
  const { parallel, threads, tokens, folder } = options;
  const scripted = scene.scripted.slice(0, parallel);
  const [stop] = scene.format.stopIds;
  const sides = [];
  const ours = startOurs(own, scene, options);
  sides.push({ name: 'ours', play: () => ours.play(scene.conversations.slice(0, parallel)), close: ours.close });
  if (python !== undefined) {
    const child = startProcess(python, [here('python/play_transformers.py')]);
    const { version } = await child.ask({ folder, threads, tokens, stop });
    const play = (keep) => () => child.ask({ keep, conversations: scripted });
    sides.push({ name: `transformers ${version}, conversation fed anew`, play: play(false), close: async () => {} });
    sides.push({ name: `transformers ${version}, cache kept`, play: play(true), close: child.close });
  }
  if (python !== undefined && llamaFolder !== undefined) {
    for (const [name, context] of llamaSettings) {
      const child = startProcess(process.execPath, [here('play.mjs')]);
      const gguf = join(folder, 'model.gguf');
      const { version } = await child.ask({ llamaFolder, gguf, parallel, threads, tokens, stop, maxLength, context });
      const play = () => child.ask({ conversations: scripted });
      sides.push({ name: `node-llama-cpp ${version}, ${name}`, play, close: child.close });
    }
  }
  return sides;
}

async function measure(own, scene, options) {
  const sides = await startSides(own, scene, options);
  const results = sides.map(() => []);
  for (let round = -1; round < options.rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const result = await side.play();
      if (round >= 0) results[i].push(result); // the first round compiles and warms up
    }
  }
  for (const side of sides) await side.close();
  print(scene, sides, results, options);
}

/** Tokens equal to ours, out of those of turns whose history is equal: after the first difference of an episode the inputs differ. */
function agreement(ours, theirs) {
  const total = ours.flat(2).length;
  const same = ours.reduce((sum, turns, i) => {
    const [a, b] = [turns.flat(), theirs[i].flat()];
    const first = a.findIndex((token, at) => token !== b[at]);
    return sum + (first < 0 ? a.length : first);
  }, 0);
  return { total, same };
}

function print(scene, sides, results, { parallel, threads, tokens, turns }) {
  const generated = parallel * turns * tokens;
  const fed = scene.scripted.slice(0, parallel).flat(2).length;
  const kinds = new Set(results[0][0].replies.flat(2)).size;
  console.log(
    `${parallel} parallel, ${threads} thread(s), ${turns} turns of ${tokens} tokens: ${generated} generated (${kinds} different), ${fed} read`,
  );
  const per = (i, key) => generated / median(results[i].map((result) => result[key]));
  sides.forEach((side, i) => {
    const { same, total } = agreement(results[0][0].replies, results[i][0].replies);
    const ratio = (key) => median(results[i].map((result, round) => result[key] / results[0][round][key]));
    const compared =
      i === 0 ? '' : `  ours ${ratio('seconds').toFixed(2)} × by time, ${ratio('cpu').toFixed(2)} × by CPU time`;
    console.log(
      `  ${side.name.padEnd(44)}${per(i, 'seconds').toFixed(0).padStart(7)} tokens/s ${per(i, 'cpu').toFixed(0).padStart(7)} per CPU s` +
        `  peak ${results[i].at(-1).peak.toFixed(0).padStart(5)} MB  same ${same}/${total}${compared}`,
    );
  });
}

/** Prints a block for each number of parallel episodes. */
export async function run(words) {
  const { values } = parseArgs({
    args: words,
    options: {
      parallel: { type: 'string', default: '1,8,32,64' },
      rounds: { type: 'string', default: '3' },
      turns: { type: 'string', default: '6' },
      tokens: { type: 'string', default: '12' },
      threads: { type: 'string', default: '1' },
    },
  });
  const own = await ownModules();
  const parallels = values.parallel.split(',').map(Number);
  const [rounds, turns, tokens, threads] = ['rounds', 'turns', 'tokens', 'threads'].map((key) => Number(values[key]));
  const scene = makeScene(own, { count: Math.max(...parallels), turns });
  const folder = await mkdtemp(join(tmpdir(), 'spa-bench-'));
  await own.folders.writePolicy(folder, { model: scene.model, tokenizer: scene.tokenizerJson });
  if (python === undefined) console.log('transformers and llama.cpp are left out: SPA_TORCH_PYTHON is not set');
  else if (llamaFolder === undefined) console.log('llama.cpp is left out: SPA_LLAMA_CPP is not set');
  else execFileSync(python, [here('python/make_gguf.py'), folder, join(folder, 'model.gguf')], { stdio: 'inherit' });
  const { vocabSize } = scene.model.config;
  console.log(
    `d256 L4 H8/4 f704, vocabulary ${vocabSize}, ${scene.model.parameters.length} parameters, float32, greedy`,
  );
  for (const parallel of parallels) await measure(own, scene, { parallel, rounds, turns, tokens, threads, folder });
  await rm(folder, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serveLlama();
