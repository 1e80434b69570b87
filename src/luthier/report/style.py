"""The style sheet of report.html: light and dark, wide and narrow, screen and paper.

Blue marks what is delivered and orange the default recipe (apart for every kind of colour vision, and by shape and
dash too); verdicts differ in shape as well as in colour; text has a contrast of at least 4.5 on every ground it stands on.
"""

CSS = """
:root{color-scheme:light dark;--bg:#fff;--panel:#f5f6f8;--fg:#1b1f26;--soft:#565e6c;--rule:#d9dde3;--blue:#0b5cad;
--orange:#b04a00;--grey:#8a93a1;--heat:11 92 173;--heat-off:200 84 0;--mark:#e9f1fb;
--red:#c0203a;--violet:#7a3fb5;--teal:#00766a}
@media (prefers-color-scheme:dark){:root{--bg:#13161b;--panel:#1c2027;--fg:#e7eaef;--soft:#a5adba;--rule:#343a44;
--blue:#6db1ff;--orange:#f0a35c;--grey:#7d8796;--heat:74 144 226;--heat-off:224 122 44;--mark:#1a2a3f;
--red:#ff7b8b;--violet:#c79bff;--teal:#4fc9b8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1.25rem 4rem;max-width:60rem;background:var(--bg);color:var(--fg);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
h1{font-size:1.9rem;line-height:1.2;margin:.1rem 0 .2rem}
h2{font-size:1.35rem;margin:0 0 .6rem}
h3{font-size:1.02rem;margin:1.8rem 0 .5rem}
section{margin-top:2.6rem;padding-top:1.5rem;border-top:1px solid var(--rule)}
p{margin:.5rem 0;max-width:46rem}
.kicker,.soft,small,.axis,.key,figcaption{color:var(--soft)}
.kicker{font-size:.9rem}
small,.soft{font-size:.86rem}
.lead{margin:1.2rem 0 0;padding:1rem 1.2rem;background:var(--mark);border-left:4px solid var(--blue);
border-radius:0 6px 6px 0}
.lead.warn{border-color:var(--orange)}
.lead p{max-width:none}
.lead p:first-child{font-size:1.2rem;line-height:1.45;font-weight:600;margin-top:0}
.lead p:last-child{margin-bottom:0}
nav{margin-top:1rem;font-size:.92rem}
nav a{display:inline-block;margin-right:1.1rem}
a{color:var(--blue)}
.scroll{overflow-x:auto;margin:.6rem 0}
.scroll.tall{max-height:34rem;overflow-y:auto;border:1px solid var(--rule);border-radius:6px}
table{border-collapse:collapse;font-size:.9rem;width:100%}
th,td{padding:.34rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);font-weight:400}
thead th{font-weight:600;color:var(--soft);font-size:.84rem;vertical-align:bottom;background:var(--bg)}
.tall thead th{position:sticky;top:0;z-index:1;box-shadow:inset 0 -1px var(--rule)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.narrow table{width:auto;min-width:min(100%,24rem)}
.trials table{font-size:.81rem}
.trials thead th{font-size:.78rem}
.trials th,.trials td{padding:.32rem .4rem}
.trials td:nth-child(2){white-space:nowrap}
.trials thead .n{white-space:normal}
.trials td:nth-child(3){min-width:10.5rem}
.trials small{display:block;line-height:1.3;font-size:.95em}
.narrow.tall{width:fit-content;max-width:100%}
.crowd polyline.other{opacity:.28;stroke-width:1}
.none{color:var(--soft)}
.phone{display:none}
tr.changed th,tr.changed td,tr.hit th,tr.hit td{background:var(--mark)}
tr.changed .v{font-weight:700;color:var(--blue)}
.tag{display:inline-block;margin-left:.4rem;padding:0 .4rem;border:1px solid currentColor;border-radius:4px;
font-size:.72rem;line-height:1.35;color:var(--soft);white-space:nowrap}
.tag.changed,.tag.hit{color:var(--blue)}
.tag.default{color:var(--orange)}
.bar{background:linear-gradient(90deg,rgb(var(--heat)/.2) var(--w),transparent 0)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.88rem}
pre{background:var(--panel);padding:.8rem 1rem;border-radius:6px;overflow-x:auto;margin:.6rem 0}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1rem;margin:.6rem 0;font-size:.92rem}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
li{margin:.2rem 0}
svg{display:block;overflow:visible}
.plot{padding:0 .9rem 0 3.1rem;margin:.5rem 0}
.plot>svg{border-left:1px solid var(--grey);border-bottom:1px solid var(--grey)}
.axis{font-size:.8rem;margin:0 0 .45rem -3.1rem}
.axis.x{margin:1.65rem 0 0;text-align:center}
.tick{font-size:.76rem;fill:var(--soft);font-variant-numeric:tabular-nums}
.grid{stroke:var(--rule);stroke-width:1}
polyline{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round}
polyline,.key line{stroke:var(--grey);stroke-width:1.25}
polyline.other{opacity:.55}
polyline:hover{stroke-width:4;opacity:1}
polyline.delivered,.key line.delivered{stroke:var(--blue);stroke-width:3}
polyline.default,.key line.default{stroke:var(--orange);stroke-width:2.5;stroke-dasharray:7 4}
circle,rect{fill:var(--grey);stroke:var(--bg);stroke-width:1}
circle.delivered{fill:var(--blue)}
rect.default{fill:var(--orange)}
circle:hover,rect:hover{stroke:var(--fg);stroke-width:2}
rect.cell{fill:rgb(var(--heat));stroke:none}
polyline.ideal,.key line.ideal{stroke:var(--fg);stroke-width:1.25;stroke-dasharray:4 4;opacity:.7}
.outcomes td:last-child{min-width:8rem}
.square{max-width:32rem}
.metrics table{width:auto;min-width:min(100%,30rem)}
.metrics small{display:inline-block;line-height:1.3;max-width:26rem}
h4{font-size:.92rem;margin:1rem 0 .3rem}
h4.error{color:var(--red)}
h4.warning{color:var(--orange)}
.advice{border-left:2px solid var(--rule);padding-left:.6rem;margin:.15rem 0}
.findings summary{color:var(--soft);font-size:.86rem}
hr{border:0;border-top:1px dashed var(--rule);margin:.3rem 0}
.key{display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;list-style:none;margin:.4rem 0;padding:0;font-size:.86rem}
.key li{display:flex;align-items:center;gap:.4rem}
use.v{fill:none;stroke-width:1.7;stroke-linejoin:round}
use.good,use.unstable{fill:var(--grey);stroke:var(--bg);stroke-width:1}
use.too,use.not{stroke:var(--grey);stroke-width:1.4}
use.underfit{stroke:var(--teal)}
use.overfit{fill:var(--violet);stroke:var(--bg);stroke-width:1}
use.overconfident{stroke:var(--violet)}
use.unstable{fill:var(--orange)}
use.diverged,use.collapsed{stroke:var(--red);stroke-width:2.2}
use.ring{fill:none;stroke:var(--blue);stroke-width:2.2}
use.ring.default{stroke:var(--orange);stroke-width:2}
use.v:hover{stroke:var(--fg)}
.importance td:nth-child(2){width:40%;min-width:8rem;vertical-align:middle}
.importance rect{fill:var(--grey);stroke:none}
.importance rect.real{fill:var(--blue)}
.importance line{stroke:var(--fg);stroke-width:2}
.key line.noise{stroke:var(--fg);stroke-width:2}
.importance td:last-child{white-space:nowrap}
.values th[scope=row],.values td{white-space:nowrap}
.values thead .n{white-space:normal}
.values td:nth-child(5){white-space:normal;min-width:9rem}
.values tr.first th,.values tr.first td{border-top:2px solid var(--rule)}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.6rem 1rem}
.forest td,.forest th{vertical-align:middle}
.forest th{width:16rem}
.forest th b{font-weight:600}
.forest th small{display:block;line-height:1.3}
.forest td.c{padding:0 1rem;min-width:9rem}
.forest td.c svg{margin:0}
.forest .n{width:12rem}
.forest .n b{font-size:1rem}
.forest .n small{display:block}
.forest tfoot td,.forest tfoot th{border:0;padding-top:.1rem;padding-bottom:1.2rem}
.forest line.i{stroke:var(--grey);stroke-width:2.5;stroke-linecap:round}
.forest line.i.delivered{stroke:var(--blue);stroke-width:3.5}
.forest line.i.default{stroke:var(--orange)}
.forest rect.band{fill:rgb(var(--heat)/.1);stroke:none}
.heat table{width:auto}
.heat td{text-align:center;min-width:2.6rem;border:1px solid var(--rule);font-variant-numeric:tabular-nums;
background:rgb(var(--heat-off)/var(--a,0))}
.heat td.right{background:rgb(var(--heat)/var(--a,0))}
.heat thead th{vertical-align:bottom;text-align:center}
.heat thead th:not(:first-child) bdi{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);
max-height:9rem;overflow:hidden}
.heat.few thead th:not(:first-child) bdi{writing-mode:horizontal-tb;transform:none}
.heat th[scope=row]{white-space:nowrap;text-align:right}
@media (min-width:80rem){.trials{margin-inline:-8rem}}
@media (max-width:40rem){
body{padding:1rem .9rem 3rem}
h1{font-size:1.5rem}
.lead p:first-child{font-size:1.06rem}
.metrics th,.metrics td,.narrow th,.narrow td{padding:.3rem .35rem}
.metrics td small{display:block}
.forest tr{display:grid;grid-template-columns:1fr auto;border-bottom:1px solid var(--rule);padding:.4rem 0}
.forest th,.forest td{border:0;padding:.1rem .2rem}
.forest th,.forest .n{width:auto}
.forest td.c{grid-column:1/3;grid-row:2;padding:.1rem 1rem}
.forest thead,.forest tfoot th,.forest tfoot .n{display:none}
.forest tfoot td.c{grid-row:1}
.recipe thead{display:none}
.recipe tr{display:grid;grid-template-columns:1fr 1fr;border-bottom:1px solid var(--rule)}
.recipe th,.recipe td{border:0}
.recipe th{grid-column:1/3;padding-bottom:0}
.recipe .n{text-align:left}
.phone{display:inline;color:var(--soft)}
}
@media print{
:root{color-scheme:light;--bg:#fff;--panel:#f5f6f8;--fg:#000;--soft:#444;--rule:#ccc;--blue:#0b5cad;--orange:#b04a00;
--grey:#777;--heat:11 92 173;--heat-off:200 84 0;--mark:#eef3fa;--red:#c0203a;--violet:#7a3fb5;--teal:#00766a}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
html{font-size:12px}
body{font-size:1rem;max-width:none;padding:0}
.key{break-after:avoid}
nav{display:none}
section{margin-top:1.4rem;padding-top:.8rem}
.scroll,.scroll.tall{max-height:none;overflow:visible;border:0}
.tall thead th{position:static}
.trials table,.trials thead th{font-size:8px}
.trials th,.trials td{padding:.15rem .25rem}
.trials td:nth-child(3){min-width:0}
tr,.plot,.lead,pre,.key{break-inside:avoid}
h2,h3{break-after:avoid}
}
"""
