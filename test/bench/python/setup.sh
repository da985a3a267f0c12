#!/usr/bin/env bash
# Installs the Python originals that `npm run bench -- env --python` plays against, into .venv/bench (ignored by git). Two commands:
#
#   bash test/bench/python/setup.sh
#   npm run bench -- env --python
#
# ALFWorld is on PyPI. WebShop and VirtualHome's executor are cloned from GitHub at the commits below into .venv/bench/source. Where
# GitHub cannot be reached, put checkouts (or `git archive`s) there yourself and name them: WEBSHOP_SOURCE (the folder that holds
# web_agent_site), VIRTUALHOME_SOURCE (that holds virtualhome/simulation) and SPA_SOURCE (that holds eval_agent: the agent's side of
# VirtualHome). Real data: ALFWORLD_DATA, WEBSHOP_DATA, VIRTUALHOME_DATA, or ../shared/data beside this checkout.
# WebShop's search (pyserini) needs Java 11 or newer; without it the bench uses rank_bm25 and says so. Nothing here installs torch or gym:
# the players put empty modules in their place, as no step touches them.
set -euo pipefail
cd "$(dirname "$0")/../../.."

venv="${SPA_BENCH_VENV:-.venv/bench}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" -r test/bench/python/requirements.txt
"${pip[@]}" --no-deps -r test/bench/python/requirements-without-dependencies.txt

clone() { # name, repository, commit, the variable that names another checkout
  local target="$venv/source/$1"
  if [ -n "${!4:-}" ] || [ -d "$target" ]; then return; fi
  if git clone --quiet --filter=blob:none "https://github.com/$2" "$target.part" && git -C "$target.part" checkout --quiet "$3"; then
    mv "$target.part" "$target"
  else
    rm -rf "$target.part"
    echo "Cannot clone $2: GitHub does not answer; put a checkout of commit $3 in $target or name one in $4" >&2
  fi
}
mkdir -p "$venv/source"
clone webshop princeton-nlp/WebShop 64fa2a5c15c7daa698b9ac93f5bb5437b634c9bd WEBSHOP_SOURCE
clone virtualhome xavierpuigf/virtualhome 58970fd80951c2eaa1af713e0917d1a105353ad8 VIRTUALHOME_SOURCE
clone spa WangHanLinHenry/SPA-RL-Agent ed200874d726ef25d52851bd47f12f2b1408b545 SPA_SOURCE
"$venv/bin/python" --version
