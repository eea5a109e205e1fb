(* Claims ICL-19 and ICL-21: gradient flow of half the loss in the factors   *)
(* (U, u) of the effective matrix A = u U^T: the equations, the conserved    *)
(* balance u^2 - |U|_F^2, and the inequalities behind global convergence.    *)
(*                                                                           *)
(* Time derivatives: a derivation D of a commutative ring of functions of    *)
(* time, as in `balancedness`. Inequalities hold over any real field. Loss,  *)
(* S and A* are those of `icl_minimizer`; M stands for Lam Psi Lam.          *)
(*                                                                           *)
(*    product u U == u U^T                                                   *)
(*   flow_U, flow_u == minus the gradient of half the loss in U and in u     *)
(*     headstart u U == D_0 = L(0) - L(u U^T)                                *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer.
From SolvableAlgebra Require Import balancedness.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Equations.

Variables (R : comRingType) (d : nat) (Lam S M : 'M[R]_d).

Definition flow_U (u : R) (U : 'M[R]_d) : 'M[R]_d :=
  u *: M - u ^+ 2 *: (S *m U *m Lam).
Definition flow_u (u : R) (U : 'M[R]_d) : R :=
  \tr (U^T *m M) - u * \tr (Lam *m U^T *m S *m U).

Variable D : {additive R -> R}.
Hypothesis leibniz : forall a b, D (a * b) = D a * b + a * D b.

(* ICL-19: the balance is constant. *)
Theorem balance_conserved u U :
  map_mx D U = flow_U u U -> D u = flow_u u U ->
  D (u ^+ 2 - \tr (U *m U^T)) = 0.
Proof.
move=> fU fu; rewrite raddfB /= expr2 leibniz fu.
have -> : D (\tr (U *m U^T)) = \tr (map_mx D (U *m U^T)).
  by rewrite /mxtrace raddf_sum; apply: eq_bigr => i _; rewrite [RHS]mxE.
rewrite (derive_mulmx leibniz) derive_tr fU mxtraceD.
have -> : \tr (U *m (flow_U u U)^T) = \tr (flow_U u U *m U^T).
  by rewrite -mxtrace_tr trmx_mul trmxK.
rewrite /flow_U /flow_u mulmxBl -!scalemxAl raddfB /= !mxtraceZ.
have -> : \tr (S *m U *m Lam *m U^T) = \tr (Lam *m U^T *m S *m U).
  by rewrite -mulmxA mxtrace_mulC !mulmxA.
rewrite [\tr (M *m U^T)]mxtrace_mulC.
by move: (\tr (U^T *m M)) (\tr (Lam *m U^T *m S *m U)) => p q; ring.
Qed.

End Equations.

Section Inequalities.

Variables (R : realFieldType) (d : nat) (Lam Psi : 'M[R]_d) (a b : R).
Hypothesis Lam_psd : psd Lam.
Hypothesis Psi_psd : psd Psi.
Hypothesis a_ge0 : 0 <= a.
Hypothesis b_ge0 : 0 <= b.

Local Notation S := (second_moment Lam Psi a b).
Local Notation M := (Lam *m Psi *m Lam).
Local Notation loss := (loss Lam Psi a b).
Local Notation flow_U := (flow_U Lam S M).
Local Notation flow_u := (flow_u Lam S M).
Implicit Types (u : R) (U H : 'M[R]_d).

Let LamT : Lam^T = Lam. Proof. by case: Lam_psd. Qed.
Let S_psd : psd S. Proof. exact: second_moment_psd. Qed.
Let ST : S^T = S. Proof. by case: S_psd. Qed.
Let MT : M^T = M.
Proof. by rewrite !trmx_mul LamT (proj1 Psi_psd) mulmxA. Qed.

Definition product u U : 'M[R]_d := u *: U^T.

Lemma gradient_product u U :
  gradient Lam Psi a b (product u U) = (u *: (Lam *m U^T *m S) - M) *+ 2.
Proof.
by rewrite /gradient /product -scalemxAr -scalemxAl mulrnBl.
Qed.

(* ICL-19: the flow is minus the gradient of half the loss; exact expansions.*)
Theorem flow_U_is_gradient u U H :
  loss (product u (U + H)) = loss (product u U)
    - \tr (flow_U u U *m H^T) *+ 2
    + u ^+ 2 * \tr (Lam *m H^T *m S *m H).
Proof.
have -> : product u (U + H) = product u U + u *: H^T.
  by rewrite /product raddfD /= scalerDr.
rewrite gradient_expansion // gradient_product.
have -> : (u *: H^T)^T = u *: H by rewrite linearZ /= trmxK.
rewrite -!scalemxAr -!scalemxAl !mxtraceZ mulrA -expr2; congr (_ + _ + _).
rewrite mulr2n mulmxDl mxtraceD mulmxBl -scalemxAl raddfB /= mxtraceZ.
rewrite /reduced_flow.flow_U mulmxBl -!scalemxAl raddfB /= !mxtraceZ.
have -> : \tr (S *m U *m Lam *m H^T) = \tr (Lam *m U^T *m S *m H).
  by rewrite -mxtrace_tr !trmx_mul trmxK LamT ST mxtrace_mulC !mulmxA.
have -> : \tr (M *m H^T) = \tr (M *m H).
  by rewrite -mxtrace_tr trmx_mul trmxK MT mxtrace_mulC.
by move: (\tr (M *m H)) (\tr (Lam *m U^T *m S *m H)) => p q; rewrite mulr2n; ring.
Qed.

Theorem flow_u_is_gradient u h U :
  loss (product (u + h) U) = loss (product u U)
    - (flow_u u U * h) *+ 2 + h ^+ 2 * \tr (Lam *m U^T *m S *m U).
Proof.
have -> : product (u + h) U = product u U + h *: U^T by rewrite /product scalerDl.
rewrite gradient_expansion // gradient_product.
have -> : (h *: U^T)^T = h *: U by rewrite linearZ /= trmxK.
rewrite -!scalemxAr -!scalemxAl !mxtraceZ mulrA -expr2; congr (_ + _ + _).
rewrite mulr2n mulmxDl mxtraceD mulmxBl -scalemxAl raddfB /= mxtraceZ.
have -> : \tr (M *m U) = \tr (U^T *m M).
  by rewrite -mxtrace_tr trmx_mul MT.
rewrite /reduced_flow.flow_u.
by move: (\tr (U^T *m M)) (\tr (Lam *m U^T *m S *m U)) => p q; rewrite mulr2n; ring.
Qed.

(* ICL-21: D_0. *)
Definition headstart u U := loss 0 - loss (product u U).

Theorem headstartE u U : headstart u U =
  (u * \tr (U^T *m M)) *+ 2 - u ^+ 2 * \tr (Lam *m U^T *m S *m U).
Proof.
have e := flow_u_is_gradient 0 u U.
rewrite add0r {2}/product scale0r in e; rewrite /headstart e /reduced_flow.flow_u.
move: (loss 0) (\tr (U^T *m M)) (\tr (Lam *m U^T *m S *m U)) => L p q.
by rewrite !mulr2n; ring.
Qed.

(* ICL-21: as long as the loss is not above its start, u and U stay away     *)
(* from 0.                                                                   *)
Theorem factors_stay_large u0 U0 u U :
  0 < headstart u0 U0 -> loss (product u U) <= loss (product u0 U0) ->
  headstart u0 U0 ^+ 2 <= 4%:R * u ^+ 2 * \tr (U *m U^T) * \tr (M *m M^T).
Proof.
move=> D0 dec; set D := headstart u0 U0 in D0 *.
have le1 : D <= headstart u U by rewrite /headstart ler_sub.
have le2 : D <= (u * \tr (U^T *m M)) *+ 2.
  apply: le_trans le1 _; rewrite headstartE ger_addl oppr_le0.
  rewrite mulr_ge0 ?sqr_ge0 //.
  by have := trace_ge0 U^T Lam_psd S_psd; rewrite trmxK.
apply: (@le_trans _ _ (((u * \tr (U^T *m M)) *+ 2) ^+ 2)).
  by rewrite ler_expn2r // nnegrE ?(le_trans _ le2) // ltW.
have cs := trace_cauchy M U.
rewrite [\tr (M *m U^T)]mxtrace_mulC in cs.
have -> : ((u * \tr (U^T *m M)) *+ 2) ^+ 2 = 4%:R * u ^+ 2 * \tr (U^T *m M) ^+ 2.
  by rewrite mulr2n; ring.
rewrite -[X in _ <= X]mulrA [X in _ <= _ * X]mulrC.
by rewrite ler_wpmul2l // mulr_ge0 ?ler0n ?sqr_ge0.
Qed.

(* ICL-21: the gradient dominates the excess loss. l and s are lower bounds  *)
(* of the spectra of Lam and S, and half the excess is ell - ell*.           *)
Theorem gradient_dominates u U l s :
  0 < b -> 0 <= l -> 0 <= s -> psd (Lam - l%:M) -> psd (S - s%:M) ->
  u ^+ 2 * l * s * (loss (product u U) - loss (best Lam Psi a b)) <=
  \tr (flow_U u U *m (flow_U u U)^T) + flow_u u U ^+ 2.
Proof.
move=> b0 l0 s0 Lam_l S_s; rewrite (excess_loss Lam_psd Psi_psd a_ge0 b0).
rewrite addrAC subrr add0r; set B := product u U - _.
have fE : flow_U u U = - u *: (Lam *m B *m S)^T.
  rewrite /B mulmxBr mulmxBl best_normal // raddfB /= MT /product.
  rewrite -scalemxAr -scalemxAl linearZ /= !trmx_mul trmxK LamT ST !mulmxA.
  by rewrite scalerBr !scaleNr opprK scalerA -expr2 addrC.
rewrite fE linearZ /= trmxK -scalemxAl -scalemxAr scalerA mulrNN -expr2 mxtraceZ.
apply: (@le_trans _ _ (u ^+ 2 * \tr ((Lam *m B *m S)^T *m (Lam *m B *m S))));
  last by rewrite ler_addl sqr_ge0.
rewrite -2!mulrA ler_wpmul2l ?sqr_ge0 //.
have -> : \tr ((Lam *m B *m S)^T *m (Lam *m B *m S)) =
          \tr (Lam *m Lam *m B *m (S *m S) *m B^T).
  by rewrite mxtrace_mulC !trmx_mul LamT ST !mulmxA [LHS]mxtrace_mulC !mulmxA.
have SS_psd : psd (S *m S).
  by have := psd_conj S (psd1 R d); rewrite mulmx1 ST.
apply: (@le_trans _ _ (l * \tr (Lam *m B *m (S *m S) *m B^T))).
  rewrite ler_wpmul2l // -subr_ge0.
  have := trace_ge0 B Lam_psd (psd_square_ge s0 S_s).
  rewrite mulmxBr mulmxBl raddfB /= -scalemxAr -scalemxAl mxtraceZ.
  by rewrite !mulmxA.
rewrite -subr_ge0; have := trace_ge0 B (psd_square_ge l0 Lam_l) SS_psd.
by rewrite !mulmxBl raddfB /= -!scalemxAl mxtraceZ.
Qed.

End Inequalities.

(* ICL-21: the lower bound on u^2, with c = u^2 - |U|^2 and K = D_0 / (2|M|).*)
Theorem lower_bound (R : rcfType) (w c D0 n : R) :
  0 < n -> 0 <= w -> c <= w -> D0 ^+ 2 <= 4%:R * w * (w - c) * n ->
  2%:R^-1 * (c + Num.sqrt (c ^+ 2 + 4%:R * (D0 ^+ 2 / (4%:R * n)))) <= w.
Proof.
move=> n0 w0 cw bound; set k := D0 ^+ 2 / _.
have k_le : k <= w * (w - c).
  rewrite /k ler_pdivr_mulr ?mulr_gt0 ?ltr0n //.
  by apply: le_trans bound _; rewrite le_eqVlt; apply/orP; left; apply/eqP; ring.
have wc : 0 <= w *+ 2 - c by rewrite mulr2n -addrA addr_ge0 ?subr_ge0.
have : Num.sqrt (c ^+ 2 + 4%:R * k) <= w *+ 2 - c.
  rewrite -[X in _ <= X]ger0_norm // -sqrtr_sqr ler_wsqrtr //.
  have -> : (w *+ 2 - c) ^+ 2 = c ^+ 2 + 4%:R * (w * (w - c)).
    by rewrite mulr2n; ring.
  by rewrite ler_add2l ler_wpmul2l ?ler0n.
rewrite ler_subr_addl => h.
by rewrite mulrC ler_pdivr_mulr ?ltr0n // [w * _]mulr_natr.
Qed.

(* ICL-21, the start U = s Theta Theta^T, u = s with |Theta Theta^T|_F <= 1: *)
(* the condition s^2 |Gamma| < 2 is enough, without a factor sqrt d. g is    *)
(* any upper bound of the spectrum of Gamma = a Lam + b, Psi = I.            *)
Section Start.

Variables (R : realFieldType) (d r : nat) (Lam : 'M[R]_d) (Th : 'M[R]_(d, r)).
Variables (a b g s : R).
Hypothesis Lam_psd : psd Lam.
Hypothesis a_gt0 : 0 < a.
Hypothesis b_ge0 : 0 <= b.
Hypothesis g_ge0 : 0 <= g.
Hypothesis g_bound : psd (g%:M - (a *: Lam + b%:M)).

Local Notation B := (Th *m Th^T).
Hypothesis B_small : \tr (B *m B^T) <= 1.

Let LamT : Lam^T = Lam. Proof. by case: Lam_psd. Qed.
Let BT : B^T = B. Proof. by rewrite trmx_mul trmxK. Qed.
Let B_psd : psd B.
Proof. by have := psd_conjT Th (psd1 R r); rewrite mulmx1. Qed.

Lemma start_le1 : psd (1%:M - B).
Proof.
split=> [|x]; first by rewrite raddfB /= trmx1 BT.
rewrite psdB_quad subr_ge0.
have qB : quad B x = \tr (B *m (x *m x^T)^T).
  rewrite trmx_mul trmxK mulmxA mxtrace_mulC mulmxA /quad.
  by rewrite [in RHS]/mxtrace big_ord1.
have q1 : \tr ((x *m x^T) *m (x *m x^T)^T) = quad 1%:M x ^+ 2.
  have xx : x^T *m x = (quad 1%:M x)%:M.
    by apply: mx11E; rewrite /quad mulmx1 [RHS]mxE eqxx mulr1n.
  rewrite trmx_mul trmxK mulmxA -[x *m x^T *m x]mulmxA xx mul_mx_scalar.
  by rewrite -scalemxAl mxtraceZ mxtrace_mulC xx mxtrace_scalar mulr1n expr2.
rewrite -ler_sqr ?nnegrE ?quad1_ge0 ?(proj2 B_psd) // qB -q1.
apply: le_trans (trace_cauchy _ _) _.
by rewrite -[X in _ <= X]mul1r ler_wpmul2r // trace_sq_ge0.
Qed.

Lemma start_second_moment : psd (g *: Lam - second_moment Lam 1%:M a b).
Proof.
have aL : psd (a *: Lam) by apply: psdZ; rewrite // ltW.
have m : psd ((g - b)%:M - a *: Lam).
  have -> : (g - b)%:M - a *: Lam = g%:M - (a *: Lam + b%:M) by
    rewrite raddfB /= opprD addrA addrAC.
  exact: g_bound.
have := psdZ (_ : 0 <= a^-1) (psd_square_le aL m); rewrite invr_ge0 ltW //.
move=> /(_ isT); congr psd; rewrite /second_moment mulmx1.
rewrite scalerBr -scalemxAl -scalemxAr !scalerA mulVf ?gt_eqF // mul1r.
by rewrite mulrAC mulVf ?gt_eqF // mul1r scalerBl opprD addrA addrAC.
Qed.

Theorem start_is_ahead :
  s ^+ 2 * \tr ((Lam *m Th) *m (Lam *m Th)^T) * (2%:R - s ^+ 2 * g) <=
  headstart Lam 1%:M a b s (s *: B).
Proof.
set T := \tr (_ *m _^T); have TE : T = \tr (Lam *m B *m Lam).
  by rewrite /T trmx_mul LamT !mulmxA.
rewrite (headstartE Lam_psd (psd1 R d) (ltW a_gt0) b_ge0).
have -> : \tr ((s *: B)^T *m (Lam *m 1%:M *m Lam)) = s * T.
  rewrite linearZ /= BT -scalemxAl mxtraceZ mulmx1 TE; congr (_ * _).
  by rewrite mulmxA mxtrace_mulC !mulmxA.
set S := second_moment _ _ _ _; pose Q := \tr (Lam *m B *m S *m B^T).
have -> : \tr (Lam *m (s *: B)^T *m S *m (s *: B)) = s ^+ 2 * Q.
  rewrite /Q [(s *: B)^T]linearZ /= BT.
  by rewrite -!scalemxAr -!scalemxAl scalerA mxtraceZ.
suff QT : Q <= g * T.
  rewrite -subr_ge0 [X in 0 <= X](_ : _ = s ^+ 2 * s ^+ 2 * (g * T - Q)).
    by rewrite mulr_ge0 ?subr_ge0 // -expr2 sqr_ge0.
  by rewrite mulr2n; ring.
have le1 : Q <= g * \tr (Lam *m B *m Lam *m B^T).
  have := trace_ge0 B Lam_psd start_second_moment.
  by rewrite mulmxBr mulmxBl raddfB /= -scalemxAr -scalemxAl mxtraceZ subr_ge0.
apply: le_trans le1 _; rewrite ler_wpmul2l // TE.
have le2 : \tr (Lam *m B *m Lam *m B^T) <= \tr (Lam *m (B *m B) *m Lam).
  have := trace_sq_ge0 (Lam *m B - B *m Lam).
  have -> : (Lam *m B - B *m Lam)^T = B *m Lam - Lam *m B.
    by rewrite raddfB /= !(trmx_mul Lam) !(trmx_mul _ Lam) BT LamT.
  rewrite BT mulmxBl !mulmxBr !mxtraceD !raddfN /= !mxtraceD !raddfN /=.
  have e1 : \tr (Lam *m B *m (B *m Lam)) = \tr (Lam *m (B *m B) *m Lam).
    by rewrite !mulmxA.
  have e2 : \tr (B *m Lam *m (Lam *m B)) = \tr (Lam *m (B *m B) *m Lam).
    by rewrite mxtrace_mulC !mulmxA.
  have e3 : \tr (B *m Lam *m (B *m Lam)) = \tr (Lam *m B *m Lam *m B).
    by rewrite mulmxA -mulmxA mxtrace_mulC !mulmxA mxtrace_mulC !mulmxA.
  have e4 : \tr (Lam *m B *m (Lam *m B)) = \tr (Lam *m B *m Lam *m B).
    by rewrite !mulmxA.
  rewrite e1 e2 e3 e4; move: (\tr (Lam *m (B *m B) *m Lam)) => p.
  move: (\tr (Lam *m B *m Lam *m B)) => q.
  rewrite (_ : p - q - (q - p) = (p - q) *+ 2); last by rewrite mulr2n; ring.
  by rewrite pmulrn_lge0 // subr_ge0.
apply: le_trans le2 _; rewrite -subr_ge0.
have := trace_ge0 Lam (psd1 R d) (psd_square_le B_psd start_le1).
by rewrite mul1mx LamT scale1r mulmxBr mulmxBl raddfB.
Qed.

End Start.

(* The hypotheses can be met. Polynomials with D = T d/dT (time is log T):   *)
(* u = T, U = T and Lam = 0, M = 1 follow the flow, and move.                *)
Example flow_instance :
  let D : {additive {poly int} -> {poly int}} := euler_additive_map in
  let U : 'M[{poly int}]_1 := 'X%:M in
  [/\ forall p q, D (p * q) = D p * q + p * D q,
      map_mx D U = flow_U 0 0 1%:M 'X U, D 'X = flow_u 0 0 1%:M 'X U
    & D 'X != 0].
Proof.
rewrite /flow_U /flow_u /=; split=> [p q|||].
- by rewrite /euler derivM; ring.
- rewrite !mul0mx scaler0 subr0; apply/matrixP=> i j.
  by rewrite !ord1 !mxE /= /euler !derivX !mulr1.
- rewrite !mul0mx mxtrace0 mulr0 subr0 mulmx1 tr_scalar_mx mxtrace_scalar.
  by rewrite /= /euler derivX mulr1 ?mulr1n.
- by rewrite /= /euler derivX mulr1 polyX_eq0.
Qed.

(* Lam = Psi = I with a = b = 1: S = 2 I, the start u = 1, U = I / 2 is      *)
(* ahead of zero for every d >= 1, and the spectral bounds l = 1, s = 2 hold.*)
Example inequalities_instance (R : realFieldType) d (d0 : (0 < d)%N) :
  let I : 'M[R]_d := 1%:M in
  [/\ psd I, 0 < headstart I I 1 1 1 (2%:R^-1 *: I), psd (I - 1%:M),
      psd (second_moment I I 1 1 - 2%:R%:M)
    & psd (2%:R%:M - (1 *: I + 1%:M)) /\
      let B := delta_mx (Ordinal d0) 0 *m (delta_mx (Ordinal d0) 0 : 'cV[R]_d)^T in
      \tr (B *m B^T) <= 1 ].
Proof.
move=> I; set i0 := Ordinal d0; have p0 : psd (0 : 'M[R]_d).
  by have := psdZ (lexx (0 : R)) (psd1 R d); rewrite scale0r.
have I2 : I + I = 2%:R%:M by rewrite -raddfD.
have S2 : second_moment I I 1 1 = 2%:R%:M.
  by rewrite /second_moment !mulmx1 !scale1r.
split; last split; first exact: psd1.
- rewrite headstartE ?ler01 //; try exact: psd1.
  rewrite S2 linearZ /= trmx1 !mulmx1 !mul1mx expr1n !mul1r.
  rewrite -!scalemxAl -!scalemxAr mulmx1 mul1mx !scale_scalar_mx !mxtrace_scalar.
  rewrite mulVf ?pnatr_eq0 // mulr1 mulr2n addrK pmulrn_lgt0 //.
  by rewrite invr_gt0 ltr0n.
- by rewrite subrr.
- by rewrite S2 subrr.
- by rewrite scale1r I2 subrr.
move=> B; have -> : B = delta_mx i0 i0 by rewrite /B trmx_delta mul_delta_mx.
rewrite trmx_delta mul_delta_mx -(mul_delta_mx (0 : 'I_1)) mxtrace_mulC.
by rewrite mul_delta_mx /mxtrace big_ord1 mxE eqxx.
Qed.

Example lower_bound_instance (R : rcfType) :
  let n := 1 : R in let w := 1 : R in let c := 0 : R in let D0 := 1 : R in
  [/\ 0 < n, 0 <= w, c <= w & D0 ^+ 2 <= 4%:R * w * (w - c) * n].
Proof. by rewrite /= ltr01 ler01 subr0 !mulr1 expr1n ler1n. Qed.
