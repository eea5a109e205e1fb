(* Claims NC-04, NC-03 (steps): one mode of the squared loss, with its two    *)
(* costs, in a singular value s and in the variable x of NC-03.              *)
(*                                                                           *)
(* M >= 1 layers, N samples, Lam = Lambda, c = (N Lambda)^(1/M), that is     *)
(* c^M = N Lam; tau > 0 target; q = (Lam s^2)^(1/L) layer energy, L = M + 1. *)
(*                                                                           *)
(*  cost M N tau s q == (s - tau)^2/(2N) + L/2 q                             *)
(*  g M b x        == 1/(1 + x^M) + b x                                      *)
(*  beta M N c tau == M N c / tau^2                                          *)
(*  mode M N c tau x == tau^2/(2N) g(x) for this beta                        *)
(*  fit M tau x    == tau x^M/(1 + x^M)                                      *)
(*  minimises M b x == x >= 0 is a minimiser of g over [0, oo)               *)
(*  only_minimiser M b x == and there is no other                            *)
(*  one_layer_point, one_layer_cost == minimiser and minimum for M = 1 and   *)
(*                    lambda = u: soft thresholding                          *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import factorisation_bound svd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* --- one mode -------------------------------------------------------------- *)

Section Mode.

Variables (R : rcfType) (M : nat) (N Lam c : R).
Hypotheses (M_gt0 : (0 < M)%N) (N_gt0 : 0 < N) (Lam_gt0 : 0 < Lam).
Hypotheses (c_gt0 : 0 < c) (cM : c ^+ M = N * Lam).

Definition g (b x : R) := (1 + x ^+ M)^-1 + b * x.
Definition beta (tau : R) := M%:R * N * c / tau ^+ 2.
Definition mode (tau x : R) := tau ^+ 2 / (2%:R * N) * g (beta tau) x.
Definition fit (tau x : R) := tau * (x ^+ M / (1 + x ^+ M)).

(* The cost of the singular value s with energy q. *)
Definition cost (tau s q : R) :=
  (s - tau) ^+ 2 / (2%:R * N) + M.+1%:R / 2%:R * q.

Let N_neq0 : N != 0. Proof. by rewrite gt_eqF. Qed.
Let two_neq0 : 2%:R != 0 :> R. Proof. by rewrite pnatr_eq0. Qed.

Lemma modeE tau x : tau != 0 ->
  mode tau x = tau ^+ 2 / (2%:R * N) / (1 + x ^+ M) + M%:R * c * x / 2%:R.
Proof.
move=> tau0; rewrite /mode /g /beta mulrDr; congr (_ + _).
by field; rewrite N_neq0 tau0.
Qed.

Lemma mode0 tau : tau != 0 -> mode tau 0 = tau ^+ 2 / (2%:R * N).
Proof.
move=> tau0; rewrite modeE // expr0n gtn_eqF // addr0 divr1 mulr0 mul0r.
by rewrite addr0.
Qed.

Lemma fit0 tau : fit tau 0 = 0.
Proof. by rewrite /fit expr0n gtn_eqF // mul0r mulr0. Qed.

(* The singular value of x costs at most what x costs. *)
Lemma cost_le_mode tau x q : 0 < tau -> 0 <= x -> 0 <= q ->
  q ^+ M.+1 = Lam * fit tau x ^+ 2 -> cost tau (fit tau x) q <= mode tau x.
Proof.
move=> tau_gt0; rewrite le_eqVlt => /orP[/eqP<-|x_gt0] q0.
  rewrite fit0 expr0n mulr0 => /eqP; rewrite expf_eq0 /= => /eqP->.
  by rewrite mode0 ?gt_eqF // /cost sub0r sqrrN mulr0 addr0.
have tau0 : tau != 0 by rewrite gt_eqF.
set s := fit tau x; set X := x ^+ M; have X_gt0 : 0 < X by rewrite exprn_gt0.
have X0 : X != 0 by rewrite gt_eqF.
have X1 : 1 + X != 0 by rewrite gt_eqF // addr_gt0 ?ltr01.
move=> qE.
pose E (i : nat) := if i == 0%N then s ^+ 2 / (N * X) else c * x.
have le : M.+1%:R * q <= \sum_(i < M.+1) E i.
  apply: means => // [i _|].
    rewrite /E; case: eqP => _; last by rewrite mulr_ge0 // ltW.
    by rewrite divr_ge0 ?sqr_ge0 // mulr_ge0 // ltW.
  rewrite qE big_ord_recl /E /= (eq_bigr (fun=> c * x)) // prodr_const card_ord.
  rewrite [(c * x) ^+ _]exprMn cM -/X.
  by field; rewrite N_neq0 X0.
move: le; rewrite big_ord_recl /E /= (eq_bigr (fun=> c * x)) // sumr_const.
rewrite card_ord.
rewrite -[_ *+ M]mulr_natl => le.
rewrite modeE // /cost -/X.
have -> : tau ^+ 2 / (2%:R * N) / (1 + X) + M%:R * c * x / 2%:R =
    (s - tau) ^+ 2 / (2%:R * N) + (s ^+ 2 / (N * X) + M%:R * (c * x)) / 2%:R.
  rewrite /s /fit -/X; field; rewrite ?N_neq0 ?X0 ?X1 //.
by rewrite ler_add2l [_ / _ * q]mulrAC ler_pmul2r ?invr_gt0 ?ltr0n.
Qed.

(* Every singular value costs at least what some x costs. *)
Lemma mode_le_cost tau s q : 0 < tau -> 0 <= s -> 0 <= q ->
  q ^+ M.+1 = Lam * s ^+ 2 ->
  exists x, [/\ 0 <= x, mode tau x <= cost tau s q, s = 0 -> x = 0
    & cost tau s q <= mode tau x -> s = fit tau x].
Proof.
move=> tau_gt0 s0 q0 qE; exists (q / c).
have tau0 : tau != 0 by rewrite gt_eqF.
have c0 : c != 0 by rewrite gt_eqF.
have x0 : 0 <= q / c by rewrite divr_ge0 // ltW.
have [z|snz] := eqVneq s 0.
  move/eqP: qE; rewrite z expr0n mulr0 expf_eq0 /= => /eqP->.
  rewrite mul0r mode0 // fit0 /cost sub0r sqrrN mulr0 addr0.
  by split.
have s_gt0 : 0 < s by rewrite lt_neqAle eq_sym snz.
have q_gt0 : 0 < q.
  rewrite lt_neqAle q0 andbT eq_sym; apply: contra_eq_neq qE => ->.
  by rewrite expr0n eq_sym gt_eqF // mulr_gt0 // exprn_gt0.
set Q := q ^+ M; have Q_gt0 : 0 < Q by rewrite exprn_gt0.
have D_gt0 : 0 < N * Lam + Q by rewrite addr_gt0 // mulr_gt0.
pose w := (N * Lam + Q) / (2%:R * N * Q).
have w_gt0 : 0 < w by rewrite divr_gt0 ?mulr_gt0 ?ltr0n.
have fitE : fit tau (q / c) = tau * (Q / (N * Lam + Q)).
  by rewrite /fit expr_div_n cM -/Q; field; rewrite !gt_eqF // mulr_gt0.
have excess : cost tau s q - mode tau (q / c) = w * (s - fit tau (q / c)) ^+ 2.
  have -> : cost tau s q - mode tau (q / c) =
     w * (s - fit tau (q / c)) ^+ 2 + (q - s ^+ 2 * Lam / Q) / 2%:R.
    rewrite fitE modeE // expr_div_n cM -/Q /cost /w; field.
    by rewrite ?c0 ?two_neq0 /= !gt_eqF // mulr_gt0.
  have -> : s ^+ 2 * Lam / Q = q.
    by rewrite -[s ^+ 2 * Lam]mulrC -qE exprSr mulrC mulKf // gt_eqF.
  by rewrite subrr mul0r addr0.
split=> //.
- by rewrite -subr_ge0 excess mulr_ge0 ?sqr_ge0 // ltW.
- by move=> z; rewrite z eqxx in snz.
rewrite -subr_le0 excess pmulr_rle0 // => le0.
apply/eqP; rewrite -subr_eq0 -sqrf_eq0 eq_le le0 sqr_ge0 //.
Qed.

End Mode.

(* --- the scalar problem has a minimiser (NC-03) ---------------------------- *)

Section Scalar.

Variables (R : rcfType) (M : nat).
Hypothesis M_gt0 : (0 < M)%N.

Lemma weighted k (r : R) : 0 <= r -> k.+1%:R * r ^+ k <= k%:R * r ^+ k.+1 + 1.
Proof.
move=> r0; pose E i := if (i < k)%N then r ^+ k.+1 else 1.
have le : k.+1%:R * r ^+ k <= \sum_(i < k.+1) E i.
  apply: means => // [|i _|]; first by rewrite exprn_ge0.
    by rewrite /E; case: ifP; rewrite ?exprn_ge0 ?ler01.
  rewrite big_ord_recr /E /= ltnn mulr1 (eq_bigr (fun=> r ^+ k.+1)) => [|i _].
    by rewrite prodr_const card_ord -!exprM mulnC.
  by rewrite ltn_ord.
apply: le_trans le _; rewrite big_ord_recr /E /= ltnn ler_add2r.
rewrite (eq_bigr (fun=> r ^+ k.+1)) => [|i _]; last by rewrite ltn_ord.
by rewrite sumr_const card_ord mulr_natl.
Qed.

Definition minimises (b x : R) :=
  0 <= x /\ forall y, 0 <= y -> g M b x <= g M b y.

Definition only_minimiser (b x : R) :=
  minimises b x /\ forall y, minimises b y -> y = x.

(* A stationary point with x^M >= M - 1 is a global minimiser. *)
Lemma stationary_minimiser (b x : R) : 0 < x -> M.-1%:R <= x ^+ M ->
  b * (1 + x ^+ M) ^+ 2 = M%:R * x ^+ M.-1 ->
  forall y, 0 <= y -> g M b x <= g M b y.
Proof.
move=> x_gt0; case: M M_gt0 => // m _; rewrite -[m.+1.-1]/m => X_ge stat y y0.
pose r := y / x; have r0 : 0 <= r by rewrite divr_ge0 // ltW.
have yE : y = r * x by rewrite /r divfK // gt_eqF.
have X_gt0 : 0 < 1 + x ^+ m.+1 by rewrite addr_gt0 ?ltr01 ?exprn_gt0.
have Y_gt0 : 0 < 1 + y ^+ m.+1 by rewrite ltr_paddr ?ltr01 ?exprn_ge0.
have bE : b = m.+1%:R * x ^+ m / (1 + x ^+ m.+1) ^+ 2.
  by rewrite -stat mulfK // expf_neq0 // gt_eqF.
have := weighted m.+1 r0; have := weighted m r0.
rewrite -subr_ge0 => A; rewrite -subr_ge0 => B.
rewrite -subr_ge0 /g.
have -> : (1 + y ^+ m.+1)^-1 + b * y - ((1 + x ^+ m.+1)^-1 + b * x) =
  x ^+ m.+1 / ((1 + x ^+ m.+1) ^+ 2 * (1 + y ^+ m.+1)) *
  ((x ^+ m.+1 - m%:R) * (m.+1%:R * r ^+ m.+2 + 1 - m.+2%:R * r ^+ m.+1)
   + m.+1%:R * r * (m%:R * r ^+ m.+1 + 1 - m.+1%:R * r ^+ m)).
  rewrite bE yE exprMn !exprS !mulrS; move: Y_gt0; rewrite yE exprMn !exprS.
  move: X_gt0; rewrite !exprS; move: (x ^+ m) (r ^+ m) m%:R => u v w h1 h2.
  by field; rewrite !gt_eqF.
rewrite mulr_ge0 //.
  apply: divr_ge0; first by rewrite exprn_ge0 // ltW.
  by rewrite mulr_ge0 ?exprn_ge0 ?(ltW X_gt0) ?(ltW Y_gt0).
apply: addr_ge0; apply: mulr_ge0 => //; first by rewrite subr_ge0.
by rewrite mulr_ge0 ?ler0n.
Qed.

Theorem minimiser_exists (b : R) : 0 < b -> exists x, minimises b x.
Proof.
move=> b_gt0.
have [xc xc0 xcM] := root_exists M_gt0 (ler0n R M.-1).
have MR : M%:R = 1 + M.-1%:R :> R by rewrite -{1}(prednK M_gt0) mulrS.
have M_gt0R : 0 < M%:R :> R by rewrite ltr0n.
(* beta_c *)
pose bc := xc ^+ M.-1 / M%:R.
have at_c : bc * (1 + xc ^+ M) ^+ 2 = M%:R * xc ^+ M.-1.
  by rewrite /bc xcM -MR; field; rewrite gt_eqF.
have [b_lt|b_ge] := ltP b bc.
  (* below: the polynomial b (1 + x^M)^2 - M x^(M-1) changes sign above xc *)
  pose p : {poly R} := b *: (1 + 'X^M) ^+ 2 - M%:R *: 'X^M.-1.
  have pE x : p.[x] = b * (1 + x ^+ M) ^+ 2 - M%:R * x ^+ M.-1.
    by rewrite /p !(hornerE, horner_exp, hornerXn).
  pose top := xc + 1 + M%:R / b.
  have top_gt1 : 1 <= top.
    by rewrite /top addrAC ler_addr addr_ge0 // divr_ge0 ?ler0n // ltW.
  have xc_top : xc <= top.
    by rewrite /top -addrA ler_addl addr_ge0 ?ler01 // divr_ge0 ?ler0n // ltW.
  have p_c : p.[xc] < 0.
    by rewrite pE -at_c -mulrBl nmulr_rlt0 ?subr_lt0 // xcM -MR exprn_gt0.
  have p_top : 0 <= p.[top].
    have top0 : 0 <= top by apply: le_trans top_gt1.
    rewrite pE subr_ge0; apply: (@le_trans _ _ (b * (top * top ^+ M.-1))).
      rewrite mulrA ler_wpmul2r ?exprn_ge0 // /top mulrDr mulrCA divff ?gt_eqF //.
      by rewrite mulr1 ler_addr mulr_ge0 ?addr_ge0 ?ler01 ?(ltW b_gt0).
    rewrite ler_pmul2l // -exprS prednK //.
    have := exprn_ge0 M top0; move: (top ^+ M) => z z0.
    rewrite -subr_ge0 (_ : _ - z = z ^+ 2 + z + 1); last by ring.
    by rewrite !addr_ge0 ?sqr_ge0.
  have [|x /andP[xc_x _] /rootP px] := @poly_ivt _ p _ _ xc_top.
    by rewrite ltW.
  have xc_lt : xc < x.
    rewrite lt_neqAle xc_x andbT; apply: contraTneq p_c => ->.
    by rewrite px ltxx.
  have x_gt0 : 0 < x by apply: le_lt_trans xc_lt.
  exists x; split; first exact: ltW.
  apply: stationary_minimiser => //.
    by rewrite -xcM ler_expn2r // nnegrE ltW.
  by apply/eqP; rewrite -subr_eq0 -pE px.
exists 0; split=> // y y0; apply: (@le_trans _ _ (g M bc y)); last first.
  by rewrite /g ler_add2l ler_wpmul2r.
have -> : g M b 0 = 1.
  by rewrite /g expr0n gtn_eqF // addr0 invr1 mulr0 addr0.
have [xcz|xc_neq0] := eqVneq xc 0.
  have M1 : M = 1%N.
    apply/eqP; rewrite eqn_leq M_gt0 andbT leqNgt; apply/negP => M2.
    move: xcM; rewrite xcz expr0n gtn_eqF // => /esym/eqP.
    by rewrite pnatr_eq0 -subn1 subn_eq0 leqNgt M2.
  have y1 : 0 < 1 + y by rewrite ltr_paddr ?ltr01.
  rewrite /g /bc M1 expr0 expr1 divr1 mul1r -subr_ge0.
  rewrite (_ : _ - 1 = y ^+ 2 / (1 + y)); last by field; rewrite gt_eqF.
  by rewrite divr_ge0 ?sqr_ge0 ?ltW.
have xc_gt0 : 0 < xc by rewrite lt_neqAle eq_sym xc_neq0.
apply: le_trans (stationary_minimiser xc_gt0 _ at_c y0); last by rewrite xcM.
rewrite /g /bc mulrAC -exprSr prednK // xcM -MR -{1}[M%:R^-1]mul1r -mulrDl.
by rewrite -MR divff // gt_eqF.
Qed.

End Scalar.

(* --- one layer ------------------------------------------------------------- *)

Section OneLayer.

Variables (R : rcfType) (N u tau : R).
Hypotheses (N_gt0 : 0 < N) (u_gt0 : 0 < u) (tau_gt0 : 0 < tau).

(* u stands for lambda = sqrt (lambda_W lambda_H). *)
Definition one_layer_point := if N * u < tau then tau / (N * u) - 1 else 0.
Definition one_layer_cost :=
  if N * u < tau then u * tau - N * u ^+ 2 / 2%:R else tau ^+ 2 / (2%:R * N).

Let b := beta 1 N (N * u ^+ 2) tau.

Lemma one_layer_optimal : minimises 1 b one_layer_point.
Proof.
have Nu_gt0 : 0 < N * u by rewrite mulr_gt0.
pose r := N * u / tau; have r_gt0 : 0 < r by rewrite divr_gt0.
have bE : b = r ^+ 2 by rewrite /b /beta /r; field; rewrite gt_eqF.
have below y : 0 <= y -> 2%:R * r - r ^+ 2 <= g 1 b y.
  move=> y0; have y1 : 0 < 1 + y by rewrite ltr_paddr ?ltr01.
  rewrite -subr_ge0 /g bE expr1.
  have -> : (1 + y)^-1 + r ^+ 2 * y - (2%:R * r - r ^+ 2) =
      (1 - r * (1 + y)) ^+ 2 / (1 + y) by field; rewrite gt_eqF.
  by rewrite divr_ge0 ?sqr_ge0 // ltW.
rewrite /one_layer_point; case: ltP => h.
  have at_point : g 1 b (tau / (N * u) - 1) = 2%:R * r - r ^+ 2.
    by rewrite /g bE expr1 /r; field; rewrite !gt_eqF.
  split=> [|y y0]; last by rewrite at_point below.
  by rewrite subr_ge0 ler_pdivl_mulr // mul1r ltW.
split=> // y y0; have y1 : 0 < 1 + y by rewrite ltr_paddr ?ltr01.
have r1 : 1 <= r by rewrite /r ler_pdivl_mulr // mul1r.
rewrite -subr_ge0 /g bE !expr1 mulr0 !addr0 invr1.
have -> : (1 + y)^-1 + r ^+ 2 * y - 1 = y * (r ^+ 2 * (1 + y) - 1) / (1 + y).
  by field; rewrite gt_eqF.
rewrite divr_ge0 ?(ltW y1) // mulr_ge0 // subr_ge0.
by apply: mulr_ege1; rewrite ?exprn_ege1 ?ler_addl.
Qed.

Lemma one_layer_only : only_minimiser 1 b one_layer_point.
Proof.
split=> [|y [y0 ymin]]; first exact: one_layer_optimal.
have Nu_gt0 : 0 < N * u by rewrite mulr_gt0.
pose r := N * u / tau; have r_gt0 : 0 < r by rewrite divr_gt0.
have bE : b = r ^+ 2 by rewrite /b /beta /r; field; rewrite gt_eqF.
have y1 : 0 < 1 + y by rewrite ltr_paddr ?ltr01.
have [p0 _] := one_layer_optimal; have := ymin _ p0; clear p0 ymin.
rewrite /one_layer_point; case: ltP => h.
  have -> : g 1 b (tau / (N * u) - 1) = 2%:R * r - r ^+ 2.
    by rewrite /g bE expr1 /r; field; rewrite !gt_eqF.
  rewrite -subr_le0 /g bE expr1.
  have -> : (1 + y)^-1 + r ^+ 2 * y - (2%:R * r - r ^+ 2) =
      (1 - r * (1 + y)) ^+ 2 / (1 + y) by field; rewrite gt_eqF.
  rewrite pmulr_lle0 ?invr_gt0 // => le0.
  have /eqP : (1 - r * (1 + y)) ^+ 2 == 0 by rewrite eq_le le0 sqr_ge0.
  move/eqP; rewrite sqrf_eq0 subr_eq0 => /eqP e.
  have -> : tau / (N * u) = 1 + y.
    rewrite -[RHS](mulKf (lt0r_neq0 r_gt0)) -e mulr1.
    by rewrite /r invf_div.
  by rewrite addrAC subrr add0r.
have r1 : 1 <= r by rewrite /r ler_pdivl_mulr // mul1r.
rewrite -subr_le0 /g bE !expr1 mulr0 !addr0 invr1.
have -> : (1 + y)^-1 + r ^+ 2 * y - 1 = y * (r ^+ 2 * (1 + y) - 1) / (1 + y).
  by field; rewrite gt_eqF.
rewrite pmulr_lle0 ?invr_gt0 // => le0.
apply/eqP; rewrite eq_le y0 andbT leNgt; apply/negP => y_gt0.
move: le0; rewrite pmulr_rle0 // leNgt subr_gt0 => /negP; apply.
apply: (@lt_le_trans _ _ (1 + y)); first by rewrite ltr_addl.
by rewrite ler_pmull // exprn_ege1.
Qed.

Lemma one_layer_value :
  mode 1 N (N * u ^+ 2) tau one_layer_point = one_layer_cost.
Proof.
rewrite /one_layer_point /one_layer_cost; case: ltP => h; last first.
  by rewrite mode0 // gt_eqF.
rewrite modeE ?gt_eqF // expr1; field.
by rewrite mulN1r [_ + (_ + _)]addrC subrK !gt_eqF.
Qed.

End OneLayer.

(* The hypotheses can be met. *)
Example modes_instance (R : rcfType) :
  (0 < 3)%N /\ 0 < (1 : R) /\ minimises 1 (beta 1 1 1 (1 : R)) 0.
Proof.
do 2!split=> //; first exact: ltr01.
have := @one_layer_optimal R 1 1 1 ltr01 ltr01 ltr01.
by rewrite /one_layer_point mulr1 ltxx expr1n mulr1.
Qed.
