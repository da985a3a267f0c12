"""Writes test/nn/fixtures/trl.json: one PPO step as TRL 0.10.1 computes it (the release SPA-RL was built on; TRL 1.x has no PPO any more).

Needs torch, transformers and TRL 0.10.1, which wants an older transformers but whose PPOTrainer imports with a new one:
    pip install --no-deps --target DIR trl==0.10.1 tyro shtab docstring-parser typeguard rich
    PYTHONPATH=DIR python test/interop/make_trl_fixture.py
TRL's own methods run on a bare object that has nothing but a config and a controller: no model is needed for a step's arithmetic.
"""
import json
from pathlib import Path
from types import SimpleNamespace

import torch, trl
from trl.core import logprobs_from_logits, masked_whiten
from trl.trainer.ppo_trainer import PPOTrainer
from trl.trainer.utils import AdaptiveKLController

B, T, V = 3, 8, 9
torch.manual_seed(7)
draw = lambda *shape: torch.randn(*shape).float().double()  # float32 numbers, float64 arithmetic

config = SimpleNamespace(cliprange=0.2, cliprange_value=0.2, vf_coef=0.1, gamma=0.95, lam=0.9, whiten_rewards=False, kl_penalty="kl", ratio_threshold=10.0)
controller = AdaptiveKLController(0.2, target=6, horizon=100)
trainer = SimpleNamespace(config=config, kl_ctl=controller)
trainer._kl_penalty = lambda *xs: PPOTrainer._kl_penalty(trainer, *xs)

# agent tokens in two turns with an observation between them, as in SPA-RL's conversations
mask = torch.tensor([[0, 1, 1, 0, 0, 1, 1, 1], [1, 1, 0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0, 1]]).double()  # with integers TRL divides in float32
targets = torch.randint(V, (B, T))
old_logits, ref_logits = draw(B, T, V), draw(B, T, V)
logits = (old_logits + 0.3 * draw(B, T, V)).float().double().requires_grad_()
values = draw(B, T)
vpreds = (values + 0.3 * draw(B, T)).float().double().requires_grad_()
scores = draw(B)

old = logprobs_from_logits(old_logits, targets).float().double()
ref = logprobs_from_logits(ref_logits, targets).float().double()
rewards, _, kls = PPOTrainer.compute_rewards(trainer, scores, old, ref, mask)
kept_values, advantages, returns = PPOTrainer.compute_advantages(trainer, values, rewards, mask)
new = logprobs_from_logits(logits, targets)
policy, value, stats = PPOTrainer.loss(trainer, old, kept_values, logits, vpreds, new, mask, advantages, returns)
(policy + value).backward()

kl = (kls * mask).sum(-1).mean().item()
coefficients = []
for measured in (kl, 20.0, 0.5):
    controller.update(measured, B)
    coefficients.append({"kl": measured, "episodes": B, "next": controller.value})

plain = lambda tensor: tensor.detach().tolist()
result = {
    "made_by": "test/interop/make_trl_fixture.py", "versions": {"trl": trl.__version__, "torch": torch.__version__},
    "shape": {"B": B, "T": T, "V": V}, "config": {**vars(config), "kl_coef": 0.2, "target": 6, "horizon": 100},
    "mask": plain(mask.int()), "targets": plain(targets), "logits": plain(logits), "values": plain(values), "vpreds": plain(vpreds), "scores": plain(scores),
    "oldLogProbs": plain(old), "refLogProbs": plain(ref),
    "expected": {
        "logProbs": plain(new), "rewards": plain(rewards), "advantages": plain(advantages), "returns": plain(returns),
        "whitenedRewards": plain(masked_whiten(rewards, mask)), "ratio": plain(stats["policy/ratio"]),
        "policyLoss": policy.item(), "valueLoss": value.item() / config.vf_coef, "clipFraction": stats["policy/clipfrac"].item(),
        "entropy": stats["policy/entropy"].item(), "logitsGradient": plain(logits.grad), "valuesGradient": plain(vpreds.grad),
        "kl": kl, "coefficients": coefficients,
    },
}
path = Path(__file__).resolve().parent.parent / "nn" / "fixtures" / "trl.json"
path.write_text(json.dumps(result) + "\n")
