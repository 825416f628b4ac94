"""The style sheet of a report's page: light and dark, wide and narrow, screen and paper."""

from cocoon.reports.charts.svg import STYLE as CHART_STYLE

_PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #59616a; --line: #d5d9dd; --page: #fff; --card: #f6f7f8;
  --mark: #fff3d6; --edge: #b26a00; --link: #0b43b7; --proof: #cfe8d5; --good: #1a7442; --bad: #b3341f; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a8b0b8; --line: #3a4148;
  --page: #15181b; --card: #1d2126; --mark: #33270f; --edge: #e0a84a; --link: #8fb4ff; --proof: #1f4630;
  --good: #5cc98d; --bad: #f08a74; } }
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 84rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: .4rem 0; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
a { color: var(--link); } :focus-visible { outline: 2px solid var(--edge); outline-offset: 2px; }
.compared { font-size: 1.05rem; margin: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; list-style: none; }
.warning { margin: .8rem 0; padding: .6rem .9rem; background: var(--mark); border-left: .3rem solid var(--edge); }
.findings { font-size: 1.1rem; max-width: 62rem; padding-left: 1.4rem; } .findings li { margin: .5rem 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1.2rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; max-width: 100%; }
th, td { padding: .3rem .45rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
thead th { border-bottom: 2px solid var(--ink); font-weight: 600; vertical-align: bottom; }
th.key { text-align: left; font-weight: 400; min-width: 4.5rem; }
thead th.key { font-weight: 600; }
th small, td small { display: block; color: var(--soft); font-size: .74rem; font-weight: 400; overflow-wrap: normal; }
.rows th, .rows td { padding: .3rem .35rem; }
@media (min-width: 75rem) { .rows td small:first-of-type { white-space: nowrap; } }
td a { text-decoration: underline 1px var(--soft); text-underline-offset: .2em; }
abbr { text-decoration: underline dotted var(--soft); text-underline-offset: .15em; cursor: help; }
.across td { white-space: nowrap; } .across td small:first-of-type { display: inline; margin-left: .4rem; }
.across td, .across thead th { min-width: 9rem; } .across th.key { max-width: 24rem; }
.note, .notes, figcaption, .fixed { color: var(--soft); font-size: .9rem; max-width: 62rem; }
.fixed { margin: .2rem 0 .4rem; }
.excerpts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.excerpt { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.excerpt h3 { margin: 0 0 .3rem; } .excerpt h3 small { display: block; font-weight: 400; color: var(--soft); }
.best { border-top: .3rem solid var(--good); } .worst { border-top: .3rem solid var(--bad); }
.disputed { border-top: .3rem solid var(--edge); }
.turn { margin: .5rem 0; padding-left: .7rem; border-left: 3px solid var(--line); white-space: pre-line; }
.turn.supporter { border-left-color: var(--link); } .turn b { color: var(--soft); font-weight: 600; }
mark { background: var(--proof); color: inherit; }
.opinions { padding-left: 1.2rem; font-size: .92rem; } .opinions li { margin: .3rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr));
  gap: 2rem 2.5rem; align-items: start; }
figure { margin: 0; min-width: 0; } figure h3 { margin: 0 0 .6rem; } figcaption { margin-top: .5rem; }
figure > svg { display: block; width: 100%; height: auto; } svg.narrow { display: none; }
.methods { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem;
  max-width: 62rem; }
@media screen and (max-width: 44rem) {
  body { padding: .9rem; } dl { grid-template-columns: 1fr; } dd { margin: 0 0 .4rem; }
  svg.wide { display: none; } svg.narrow { display: block; }
  .across td { white-space: normal; } .across td small:first-of-type { display: block; margin: 0; }
  .across td, .across thead th { min-width: 0; padding: .3rem .25rem; } .across th.key { min-width: 0; }
  .across { font-size: .88rem; } .few td small { white-space: nowrap; }
}
@media screen and (max-width: 62rem) {
  .rows, .rows tbody, .rows tr, .rows th, .rows td { display: block; } .rows thead { display: none; }
  .rows tr { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .6rem; margin: .5rem 0; }
  .rows th.key { border: 0; padding: 0; display: inline; font-weight: 600; }
  .rows th.key:not(:last-of-type)::after { content: " · "; }
  .rows td { display: grid; grid-template-columns: 1fr auto; gap: 0 .8rem; border: 0; padding: .15rem 0;
    border-top: 1px solid var(--line); }
  .rows td::before { content: attr(data-label); text-align: left; color: var(--soft); grid-row: span 3; }
}
@page { size: landscape; margin: 12mm; }
@media print { :root { font-size: 7.5pt; } body { max-width: none; padding: 0; } nav { display: none; }
  h2, h3 { break-after: avoid; } tr, figure, .excerpt, .methods { break-inside: avoid; }
  th, td, .rows th, .rows td { padding: .15rem .2rem; } a, td a { color: inherit; text-decoration: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
PAGE_STYLE = _PAGE_STYLE + CHART_STYLE
