(* Claim ICL-3, second part: the minimum as a function of the spectrum of    *)
(* Lam^(1/2) Psi Lam^(1/2), and when the loss is strictly convex.            *)
(*                                                                           *)
(* Over any real field, all sizes. Since square roots and eigenvalues need   *)
(* not exist there, the spectral form takes them as given: any F with        *)
(* Lam = F F^T (the symmetric square root, or any other), and an orthonormal *)
(* E that diagonalises F^T Psi F with eigenvalues beta. Over the real        *)
(* numbers both exist. Notions: see icl_minimizer.                           *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd quadratic_loss icl_minimizer.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Spectrum.

Variables (R : realFieldType) (d : nat) (Lam Psi : 'M[R]_d) (a b : R).
Hypothesis Psi_psd : psd Psi.
Hypothesis a_ge0 : 0 <= a.
Hypothesis b_gt0 : 0 < b.

(* F is any square root of Lam, Lam = F F^T; beta are the eigenvalues of     *)
(* F^T Psi F, with orthonormal eigenvectors in the columns of E.             *)
Variables (F E : 'M[R]_d) (beta : 'rV[R]_d).
Hypothesis LamE : Lam = F *m F^T.
Hypothesis orthonormal : E^T *m E = 1%:M.
Hypothesis diagonal : F^T *m Psi *m F = E *m diag_mx beta *m E^T.

Let Lam_psd : psd Lam.
Proof. by have := psd_conjT F (psd1 R d); rewrite mulmx1 -LamE. Qed.

Lemma beta_ge0 i : 0 <= beta 0 i.
Proof.
have := proj2 (psd_conj F Psi_psd) (col i E); rewrite diagonal quad_col.
rewrite !mulmxA orthonormal mul1mx -mulmxA orthonormal mulmx1.
by rewrite mxE eqxx.
Qed.

Lemma spectral_trace : \tr (Lam *m Psi) = \sum_i beta 0 i.
Proof.
rewrite LamE -mulmxA mxtrace_mulC diagonal -mulmxA mxtrace_mulC -mulmxA.
by rewrite orthonormal mulmx1 mxtrace_diag.
Qed.

Lemma beta_den i : a * beta 0 i + b != 0.
Proof. by rewrite gt_eqF // ltr_paddl // mulr_ge0 // beta_ge0. Qed.

(* The matrices that E diagonalises. *)
Definition in_basis (u : 'rV[R]_d) := E *m diag_mx u *m E^T.

Lemma in_basisM u v : in_basis u *m in_basis v = in_basis (\row_i (u 0 i * v 0 i)).
Proof.
have -> : in_basis u *m in_basis v =
    E *m (diag_mx u *m (E^T *m E) *m diag_mx v) *m E^T.
  by rewrite /in_basis !mulmxA.
by rewrite orthonormal mulmx1 mulmx_diag.
Qed.

Lemma in_basis_tr u : (in_basis u)^T = in_basis u.
Proof. by rewrite /in_basis !trmx_mul trmxK tr_diag_mx mulmxA. Qed.

Lemma in_basis_trace u : \tr (in_basis u) = \sum_i u 0 i.
Proof.
by rewrite /in_basis -mulmxA mxtrace_mulC -mulmxA orthonormal mulmx1 mxtrace_diag.
Qed.

(* A* in whitened coordinates. *)
Lemma whitened_best : F^T *m best Lam Psi a b *m F =
  in_basis (\row_i (beta 0 i / (a * beta 0 i + b))).
Proof.
have ETE : E *m E^T = 1%:M by apply: mulmx1C.
pose H := F^T *m best Lam Psi a b *m F; rewrite -/H.
pose W := a *: (F^T *m Psi *m F) + b%:M.
have WE : W = in_basis (\row_i (a * beta 0 i + b)).
  rewrite /W diagonal -[b%:M]mulmx1 -ETE mul_scalar_mx /in_basis !scalemxAl -mulmxDl.
  rewrite -scalemxAl !scalemxAr -[b *: E]mul_mx_scalar -mulmxDr.
  congr (_ *m _ *m _); apply/matrixP=> i j; rewrite !mxE mulrnDl.
  by rewrite mulrnAr.
have FW : F *m W = right_system Lam Psi a b *m F.
  rewrite /W /right_system mulmxDr mulmxDl mul_scalar_mx mul_mx_scalar LamE.
  by rewrite -scalemxAr -scalemxAl !mulmxA.
have HW : H *m W = in_basis beta.
  rewrite /H -[F^T *m _ *m F *m W]mulmxA FW mulmxA.
  by rewrite -[F^T *m _ *m right_system _ _ _ _]mulmxA best_right // diagonal.
have WV : W *m in_basis (\row_i (a * beta 0 i + b)^-1) = 1%:M.
  rewrite WE in_basisM /in_basis; set V := diag_mx _.
  suff -> : V = 1%:M by rewrite mulmx1.
  by apply/matrixP=> i j; rewrite !mxE divff ?beta_den.
rewrite -[LHS]mulmx1 -WV mulmxA HW in_basisM; congr in_basis.
by apply/rowP=> i; rewrite !mxE.
Qed.

(* ICL-3: the minimum depends on (Lam, Psi) only through the spectrum.       *)
Theorem spectral_minimum : loss Lam Psi a b (best Lam Psi a b) =
  \sum_i beta 0 i * (((a - 1) * beta 0 i + b) / (a * beta 0 i + b)).
Proof.
rewrite minimum_value // spectral_trace.
have -> : \tr (Lam *m best Lam Psi a b *m Lam *m Psi) =
          \tr (F^T *m best Lam Psi a b *m F *m (F^T *m Psi *m F)).
  by rewrite {1 3}LamE -!mulmxA mxtrace_mulC !mulmxA.
rewrite whitened_best diagonal -/(in_basis beta) in_basisM in_basis_trace -sumrB.
by apply: eq_bigr => i _; rewrite !mxE; field; apply: beta_den.
Qed.

End Spectrum.

Section Population.

Variables (R : realFieldType) (d N : nat) (Lam Psi : 'M[R]_d) (s2 : R).
Hypothesis N_gt0 : (0 < N)%N.
Hypothesis Lam_psd : psd Lam.
Hypothesis Psi_psd : psd Psi.
Hypothesis s2_ge0 : 0 <= s2.

Local Notation coef_a := (coef_a R N).
Local Notation coef_b := (coef_b N Lam Psi s2).
Local Notation loss := (loss Lam Psi coef_a coef_b).

Let N0 : 0 < N%:R :> R. Proof. by rewrite ltr0n. Qed.

Let b_ge0 : 0 <= coef_b. Proof. exact: coef_b_ge0. Qed.

Let L1psd (k : 'I_1) : psd Lam. Proof. exact: Lam_psd. Qed.
Let S1psd (k : 'I_1) : psd (second_moment Lam Psi coef_a coef_b).
Proof. by apply: second_moment_psd; rewrite ?coef_a_ge0 ?b_ge0. Qed.

(* ICL-3: strict convexity holds exactly when Lam > 0 and b_N > 0. *)
Theorem strictly_convex_iff : (0 < d)%N ->
  (forall A B s, A != B -> 0 < s < 1 ->
     loss (s *: A + (1 - s) *: B) < s * loss A + (1 - s) * loss B)
  <-> pd Lam /\ 0 < coef_b.
Proof.
move=> d_gt0; pose i0 := Ordinal d_gt0.
pose f (H : 'M[R]_d) :=
  form (fun _ : 'I_1 => Lam) (fun=> second_moment Lam Psi coef_a coef_b) H.
have fE H : f H = \tr (Lam *m H *m second_moment Lam Psi coef_a coef_b *m H^T).
  by rewrite /f formE big_ord1.
have segE A B s : (loss (s *: A + (1 - s) *: B) < s * loss A + (1 - s) * loss B)
    = (0 < s * (1 - s) * f (A - B)).
  by rewrite !lossE // qloss_segment // ltr_subl_addr -subr_gt0 addrAC subrr add0r.
split=> [strict|[Lam_pd b0] A B s AB /andP[s0 s1]].
  have fpos H : H != 0 -> 0 < f H.
    move=> H0; have half : (0 < (2%:R : R)^-1) && ((2%:R : R)^-1 < 1).
      by rewrite invr_gt0 ltr0n /= invf_lt1 ?ltr1n ?ltr0n.
    have := strict H 0 _ H0 half; rewrite segE subr0.
    have half2 : 0 < (2%:R : R)^-1 * (1 - (2%:R)^-1).
      by case/andP: half => h0 h1; rewrite mulr_gt0 ?subr_gt0.
    by rewrite pmulr_rgt0.
  split.
    split=> [|x x0]; first by case: Lam_psd.
    rewrite lt_neqAle (proj2 Lam_psd) andbT eq_sym; apply/negP => /eqP q0.
    pose H : 'M[R]_d := x *m delta_mx 0 i0.
    have H0 : H != 0.
      apply: contraNneq x0 => H0; apply/eqP/colP => i.
      have := congr1 (fun M : 'M[R]_d => M i i0) H0; rewrite !mxE big_ord1 !mxE.
      by rewrite !eqxx mulr1.
    have := fpos H H0; rewrite fE /H !mulmxA (psd_kernel Lam_psd q0).
    by rewrite !mul0mx mxtrace0 ltxx.
  rewrite lt_neqAle b_ge0 andbT eq_sym; apply/negP => /eqP b0.
  have tr0 : \tr (Lam *m Psi) = 0.
    move: b0 => /eqP; rewrite /icl_minimizer.coef_b mulf_eq0 invr_eq0 [N%:R == 0]gt_eqF // orbF.
    by rewrite paddr_eq0 ?trace_LamPsi_ge0 // => /andP[/eqP].
  have LP : Lam *m Psi = 0.
    have := @trace_eq0 _ _ _ _ 1%:M _ Lam_psd Psi_psd.
    by rewrite trmx1 !mulmx1; apply.
  have := fpos 1%:M; rewrite fE /second_moment b0 LP mul0mx scaler0 scale0r.
  rewrite addr0 mulmx0 mul0mx mxtrace0 ltxx => absurd.
  suff : false by []; apply: absurd; apply/eqP=> /matrixP/(_ i0 i0) /eqP.
  by rewrite !mxE eqxx oner_eq0.
rewrite segE mulr_gt0 ?mulr_gt0 ?subr_gt0 // lt_neqAle form_ge0 // andbT eq_sym.
apply: contra AB => /eqP f0; rewrite -subr_eq0; apply/eqP; move: f0.
move: (A - B) => D; rewrite fE.
move=> /(trace_eq0 Lam_psd (S1psd ord0)).
rewrite second_momentE => z.
have uL := pd_unit Lam_pd.
have uR : right_system Lam Psi coef_a coef_b \in unitmx.
  by apply: right_unit; rewrite ?coef_a_ge0.
have u : right_system Lam Psi coef_a coef_b *m Lam \in unitmx.
  by rewrite unitmx_mul uR.
by rewrite -[D](mulKmx uL) -[Lam *m D](mulmxK u) z mul0mx mulmx0.
Qed.

(* ICL-3: the minimum in its ratio form, which loses no digits. *)
Theorem ratio_minimum (F E : 'M[R]_d) (beta : 'rV[R]_d) : 0 < coef_b ->
  Lam = F *m F^T -> E^T *m E = 1%:M ->
  F^T *m Psi *m F = E *m diag_mx beta *m E^T ->
  let t := \sum_i beta 0 i in
  \tr (Lam *m Psi) = t /\
  loss (best Lam Psi coef_a coef_b) =
  \sum_i beta 0 i * ((beta 0 i + t + s2) / (N.+1%:R * beta 0 i + t + s2)).
Proof.
move=> b0 LamE orth diag t; have tE := spectral_trace LamE orth diag.
split=> //; rewrite (spectral_minimum _ _ _ LamE orth diag) ?coef_a_ge0 //.
apply: eq_bigr => i _; congr (_ * _); rewrite /icl_minimizer.coef_a /icl_minimizer.coef_b tE -/t.
have bi := beta_ge0 Psi_psd orth diag i.
have den : coef_a * beta 0 i + coef_b != 0.
  by rewrite gt_eqF // ltr_paddl // mulr_ge0 // coef_a_ge0.
move: den; rewrite /icl_minimizer.coef_a /icl_minimizer.coef_b tE -/t -[N.+1]addn1 natrD.
have N00 : N%:R != 0 :> R by rewrite gt_eqF.
have -> : (1 + N%:R^-1) * beta 0 i + (t + s2) / N%:R =
          ((N%:R + 1) * beta 0 i + t + s2) / N%:R by field.
rewrite mulf_eq0 invr_eq0 (negbTE N00) orbF => den.
by field; rewrite N00 den.
Qed.

End Population.

(* Lam = Psi = I, any dimension d >= 1: positive definite, and its own       *)
(* spectral form.                                                            *)
Example isotropic_instance (R : realFieldType) d N : (0 < d)%N -> (0 < N)%N ->
  let I : 'M[R]_d := 1%:M in
  [/\ pd I, psd I, 0 < coef_b N I I 0, I = I *m I^T
    & I^T *m I *m I = I *m diag_mx (const_mx 1) *m I^T].
Proof.
move=> d0 N0 I; split; rewrite ?trmx1 ?mulmx1 //.
- exact: pd1.
- exact: psd1.
- by rewrite /coef_b mulmx1 mxtrace1 addr0 divr_gt0 ?ltr0n.
by rewrite diag_const_mx mulmx1.
Qed.
