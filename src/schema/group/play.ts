/** Evaluation, servers and what computes: fields of the manifest. */
import Type from 'typebox';
import { choice, count, group, natural, optionalText, positive, real } from '../field.ts';
import { resource, semantic } from '../role.ts';

/** Group `evaluate` of the manifest. */
export const evaluate = group('Stage evaluate: play on games held out from training.', {
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

/** Group `server` of the manifest. */
export const server = group('A model behind an OpenAI-compatible server that plays instead of one trained here.', {
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

/** Group `engine` of the manifest. */
export const engine = group('What computes. None of it is in a key: engines agree to 1e-5.', {
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
