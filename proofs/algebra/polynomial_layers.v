(* Claims ICL-34, ICL-36, ICL-38: layers with scalar weights are a polynomial*)
(* method in S = t X X^T; they commute with linear changes of the inputs; and*)
(* the kernel form.                                                          *)
(*                                                                           *)
(* Over any commutative ring, all sizes (d >= 1 where polynomials of matrices*)
(* occur). A_k = - eta_k I and B_k = beta_k I, so that gamma_k of ICL-34 is  *)
(* eta_k beta_k.                                                             *)
(*                                                                           *)
(*  factor k  == g_k, polynomial, g_{k+1} = g_k (1 - gamma_k lambda_k) with  *)
(*               lambda_k = X g_k^2                                          *)
(*  spectrum k == lambda_k                                                   *)
(*  answer k  == q_k, residue k == p_k = prod_{j < k} (1 - eta_j lambda_j)   *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import attention_gd sparse_layers.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

(* --- covariance equivariance, ICL-36 ------------------------------------- *)

Section Equivariance.

Variables (R : comRingType) (d e m N : nat) (t : R).
Variables (T : 'M[R]_(d, e)) (U : 'M[R]_(e, N)) (Y : 'M[R]_(m, N)).
Variables (A B : nat -> 'M[R]_d) (A' B' : nat -> 'M[R]_e).
Hypothesis A_ok : forall k, T^T *m A k *m T = A' k.
Hypothesis B_ok : forall k, B k *m T = T *m B' k.

Theorem equivariance K :
  (state t A B (T *m U) Y K).1 *m T = T *m (state t A' B' U Y K).1 /\
  (state t A B (T *m U) Y K).2 *m T = (state t A' B' U Y K).2.
Proof.
elim: K => [|K [IHG IHv]]; first by rewrite /= mul1mx mulmx1 mul0mx.
move: IHG IHv => /=.
case: (state t A B (T *m U) Y K) => G v /=.
case: (state t A' B' U Y K) => G' v' /= GT vT.
have TG : T^T *m G^T = G'^T *m T^T by rewrite -trmx_mul GT trmx_mul.
have BGX : B K *m G *m (T *m U) = T *m (B' K *m G' *m U).
  rewrite mulmxA -[B K *m G *m T]mulmxA GT (mulmxA (B K)) B_ok.
  by rewrite !mulmxA.
have XGAT : (T *m U)^T *m G^T *m A K *m T = U^T *m G'^T *m A' K.
  by rewrite trmx_mul -[U^T *m T^T *m G^T]mulmxA TG -A_ok !mulmxA.
split.
  rewrite -[LHS]mulmxA GT !mulmxA; congr (_ *m _).
  rewrite mulmxDl mul1mx mulmxDr mulmx1 -scalemxAl -scalemxAr.
  congr (_ + t *: _).
  transitivity (T *m (B' K *m G' *m U) *m ((T *m U)^T *m G^T *m A K *m T)).
    by rewrite -BGX !mulmxA.
  by rewrite XGAT !mulmxA.
rewrite mulmxBl vT -scalemxAl; congr (_ - t *: _).
rewrite -[LHS]mulmxA GT (mulmxA _ T); congr (_ *m _).
rewrite (mulmxA v) vT -!(mulmxA (Y - _)); congr (_ *m _).
by rewrite -XGAT ?mulmxA.
Qed.

(* ICL-36: T a square root of Lam, A_k = - eta_k Lam^-1, B_k scalar: the     *)
(* prediction at x_q = T u_q is that of the isotropic problem.               *)
Corollary whitened_prediction K (uq : 'cV[R]_e) :
  (state t A B (T *m U) Y K).2 *m (T *m uq) = (state t A' B' U Y K).2 *m uq.
Proof. by rewrite mulmxA (proj2 (equivariance K)). Qed.

End Equivariance.

Section Whitening.

Variables (R : comUnitRingType) (d : nat) (T : 'M[R]_d).
Hypothesis T_unit : T \in unitmx.
Variables (eta beta : nat -> R).

(* The weights of ICL-36 satisfy the hypotheses. *)
Lemma whitening_A k :
  T^T *m (- eta k *: invmx (T *m T^T)) *m T = (- eta k)%:M.
Proof.
have TT : T *m T^T \in unitmx by rewrite unitmx_mul unitmx_tr T_unit.
rewrite -scalemxAr -scalemxAl; have -> : T^T *m invmx (T *m T^T) *m T = 1%:M.
  apply: (can_inj (mulKmx T_unit)).
  rewrite mulmx1 !mulmxA.
  by rewrite mulmxV // mul1mx.
by rewrite scalemx1.
Qed.

Lemma whitening_B k : (beta k)%:M *m T = T *m (beta k)%:M.
Proof. by rewrite mul_scalar_mx mul_mx_scalar. Qed.

End Whitening.

(* --- GD++ is a polynomial method, ICL-34 --------------------------------- *)

Section Polynomials.

Variables (R : comRingType) (eta beta : nat -> R).

Fixpoint factor k : {poly R} :=
  if k is k'.+1 then
    factor k' * (1 - (eta k' * beta k')%:P * ('X * factor k' ^+ 2))
  else 1.
Definition spectrum k : {poly R} := 'X * factor k ^+ 2.
Definition residue k : {poly R} := \prod_(j < k) (1 - (eta j)%:P * spectrum j).
Fixpoint answer k : {poly R} :=
  if k is k'.+1 then answer k' + (eta k')%:P * factor k' ^+ 2 * residue k'
  else 0.

(* ICL-34: lambda_{k+1} = lambda_k (1 - gamma_k lambda_k)^2.                 *)
Lemma spectrumS k :
  spectrum k.+1 = spectrum k * (1 - (eta k * beta k)%:P * spectrum k) ^+ 2.
Proof. by rewrite /spectrum /=; ring. Qed.

(* ICL-34: p = 1 - X q. *)
Lemma residueE k : residue k = 1 - 'X * answer k.
Proof.
elim: k => [|k IH]; first by rewrite /residue big_ord0 /= mulr0 subr0.
rewrite /residue big_ord_recr /= -/(residue k) /spectrum.
move: IH; move: (residue k) (answer k) (factor k) (eta k)%:P => p q f e ->.
by ring.
Qed.

Variables (d m N : nat) (t : R).
Implicit Types (X E : 'M[R]_(d.+1, N)) (Y : 'M[R]_(m, N)).

Lemma horner_mx_commutes (S : 'M[R]_d.+1) p :
  S *m horner_mx S p = horner_mx S p *m S.
Proof.
have e : horner_mx S ('X * p) = horner_mx S (p * 'X) by rewrite mulrC.
by move: e; rewrite !rmorphM /= !horner_mx_X.
Qed.

Lemma horner_mx_sym (S : 'M[R]_d.+1) p : S^T = S ->
  (horner_mx S p)^T = horner_mx S p.
Proof.
move=> sS; elim/poly_ind: p => [|p c IH]; first by rewrite rmorph0 trmx0.
rewrite rmorphD rmorphM /= horner_mx_X horner_mx_C raddfD /= tr_scalar_mx.
rewrite -mulmxE trmx_mul sS IH; congr (_ + _); exact: horner_mx_commutes.
Qed.

Let A k : 'M[R]_d.+1 := (- eta k)%:M.
Let B k : 'M[R]_d.+1 := (beta k)%:M.

Theorem gdpp_is_polynomial X Y K :
  let S := t *: (X *m X^T) in let b := t *: (X *m Y^T) in
  (state t A B X Y K).1 = horner_mx S (factor K) /\
  (state t A B X Y K).2^T = horner_mx S (answer K) *m b.
Proof.
move=> S b; have sS : S^T = S by rewrite /S linearZ /= trmx_mul trmxK.
elim: K => [|K].
  by split; rewrite /= ?rmorph1 // rmorph0 mul0mx trmx0.
have := sparse_column_form t A B X Y K; rewrite -/S -/b.
case: (state t A B X Y K) => G v; case: (state t A B X Y K.+1) => G' v' /=.
move=> [-> ->] [-> ->]; set h := horner_mx S.
have hT p : (h p)^T = h p by apply: horner_mx_sym.
have SE : S = h 'X by rewrite /h horner_mx_X.
have scalE c : c%:M = h c%:P by rewrite /h horner_mx_C.
have h1 : 1%:M = h 1 by rewrite /h -polyC1 horner_mx_C.
have hM p q : h p *m h q = h (p * q) by rewrite /h rmorphM -mulmxE.
have hD p q : h p + h q = h (p + q) by rewrite /h rmorphD.
have hB p q : h p - h q = h (p - q) by rewrite /h rmorphB.
rewrite !hT /A /B tr_scalar_mx; split.
  rewrite !scalE SE !hM hD hM; congr (h _).
  by rewrite polyC1 polyCN polyCM; ring.
have -> : b - S *m (h (answer K) *m b) = h (1 - 'X * answer K) *m b.
  by rewrite mulmxA SE hM -hB mulmxBl -h1 mul1mx.
rewrite scalE mulmxA !hM -mulmxBl hB; congr (h _ *m b).
by rewrite polyCN -residueE; ring.
Qed.

(* ICL-34: the error, Y = W X + E. *)
Theorem gdpp_error X (W : 'M[R]_(m, d.+1)) (E : 'M[R]_(m, N)) K :
  let S := t *: (X *m X^T) in
  (state t A B X (W *m X + E) K).2^T - W^T =
  - (horner_mx S (residue K) *m W^T)
  + horner_mx S (answer K) *m (t *: (X *m E^T)).
Proof.
move=> S; rewrite (proj2 (gdpp_is_polynomial X (W *m X + E) K)) -/S.
rewrite raddfD /= trmx_mul mulmxDr scalerDr mulmxA scalemxAl -/S mulmxDr.
rewrite residueE rmorphB rmorph1 rmorphM /= horner_mx_X mulmxBl mul1mx.
rewrite -mulmxE horner_mx_commutes.
by rewrite mulmxA opprB addrAC.
Qed.

End Polynomials.

(* --- the kernel form, ICL-38 --------------------------------------------- *)

Section Kernel.

Variables (R : comRingType) (D m N : nat) (t : R).
Variables (Phi : 'M[R]_(D.+1, N.+1)) (Y : 'M[R]_(m, N.+1)).

Local Notation S := (t *: (Phi *m Phi^T)).
Local Notation Kt := (t *: (Phi^T *m Phi)).

Theorem push_polynomial p : horner_mx S p *m Phi = Phi *m horner_mx Kt p.
Proof.
elim/poly_ind: p => [|p c IH]; first by rewrite !rmorph0 mul0mx mulmx0.
rewrite !rmorphD !rmorphM /= !horner_mx_X !horner_mx_C -!mulmxE.
rewrite mulmxDl mulmxDr mul_scalar_mx mul_mx_scalar; congr (_ + _).
have SPhi : S *m Phi = Phi *m Kt by rewrite -scalemxAl -scalemxAr !mulmxA.
by rewrite -mulmxA SPhi mulmxA IH mulmxA.
Qed.

(* Prediction and residuals of a polynomial method from the kernel matrix.   *)
Theorem kernel_prediction q (phi : 'cV[R]_D.+1) :
  let w := horner_mx S q *m (t *: (Phi *m Y^T)) in
  w^T *m phi = t *: (Y *m horner_mx Kt q *m (Phi^T *m phi)) /\
  Y - w^T *m Phi = Y *m horner_mx Kt (1 - 'X * q).
Proof.
move=> w; have sS : S^T = S by rewrite linearZ /= trmx_mul trmxK.
have wT : w^T = t *: (Y *m horner_mx Kt q *m Phi^T).
  rewrite /w -scalemxAr linearZ /=; congr (_ *: _).
  rewrite mulmxA push_polynomial !trmx_mul trmxK horner_mx_sym ?mulmxA //.
  by rewrite linearZ /= trmx_mul trmxK.
rewrite wT -!scalemxAl !mulmxA; split=> //.
rewrite rmorphB rmorph1 rmorphM /= horner_mx_X mulmxBr mulmx1; congr (_ - _).
rewrite -[Kt * _]/(Kt *m _) horner_mx_commutes.
by rewrite -scalemxAr mulmxA -scalemxAr !mulmxA.
Qed.

End Kernel.

(* The hypotheses of `equivariance` can be met: the weights of ICL-36.       *)
Example whitened_weights (R : comUnitRingType) d (T : 'M[R]_d)
    (eta beta : nat -> R) k : T \in unitmx ->
  T^T *m (- eta k *: invmx (T *m T^T)) *m T = (- eta k)%:M /\
  (beta k)%:M *m T = T *m (beta k)%:M.
Proof.
by move=> uT; split; [exact: whitening_A | rewrite mul_scalar_mx mul_mx_scalar].
Qed.
