(* Claims NC-04 (step), NC-01 (the singular values are a function of the     *)
(* matrix): the inequalities of von Neumann and Mirsky. With singular values *)
(* in decreasing order, X = U diag(s) V^T and Y = P diag(t) Q^T,             *)
(*   tr (X Y^T) <= sum_i s_i t_i,   |X - Y|^2 >= sum_i (s_i - t_i)^2.        *)
(* The entries ((U^T P)_ij^2 + (V^T Q)_ij^2) / 2 have row and column sums at *)
(* most one (Bessel), and two summations by parts do the rest.               *)
(*                                                                           *)
(*  at0 s i == s 0 i, and 0 past the end, for any natural number i           *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd factorisation_bound svd.
From SolvableAlgebra Require Import least_regularisation.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sequences.

Variable R : realFieldType.
Implicit Types (s t e : nat -> R) (N : nat -> nat -> R).

Lemma abel n s e : (forall i, s i.+1 <= s i) ->
  (forall a, (a <= n)%N -> 0 <= \sum_(i < a) e i) ->
  s n * (\sum_(i < n) e i) <= \sum_(i < n) s i * e i.
Proof.
move=> dec; elim: n => [|n IH] E0; first by rewrite !big_ord0 mulr0.
apply: (@le_trans _ _ (s n * \sum_(i < n.+1) e i)).
  by rewrite ler_wpmul2r ?dec ?E0.
rewrite !big_ord_recr mulrDr ler_add2r; apply: IH => a an.
by rewrite E0 // ltnW.
Qed.

Lemma abel_le n s (c d : nat -> R) : (forall i, s i.+1 <= s i) -> 0 <= s n ->
  (forall a, (a <= n)%N -> \sum_(i < a) c i <= \sum_(i < a) d i) ->
  \sum_(i < n) s i * c i <= \sum_(i < n) s i * d i.
Proof.
move=> dec s0 cd; rewrite -subr_ge0 -sumrB.
rewrite (eq_bigr (fun i : 'I_n => s i * (d i - c i))) => [|i _]; last first.
  by rewrite mulrBr.
apply: le_trans (abel (e := fun i => d i - c i) dec _) => [|a an].
  by rewrite mulr_ge0 // sumrB subr_ge0 cd.
by rewrite sumrB subr_ge0 cd.
Qed.

Lemma sum_widen a n (F : nat -> R) : (a <= n)%N ->
  \sum_(i < a) F i = \sum_(i < n) (i < a)%:R * F i.
Proof.
move=> an; rewrite (big_ord_widen n) // big_mkcond /=.
by apply: eq_bigr => i _; case: ltnP; rewrite ?mul1r ?mul0r.
Qed.

Lemma sum_sub a n (F : nat -> R) : (a <= n)%N -> (forall i, 0 <= F i) ->
  \sum_(i < a) F i <= \sum_(i < n) F i.
Proof.
move=> an F0; rewrite (sum_widen F an); apply: ler_sum => i _.
by case: ltnP; rewrite ?mul1r ?mul0r.
Qed.

Lemma rearrangement n s t N :
  (forall i, s i.+1 <= s i) -> 0 <= s n ->
  (forall i, t i.+1 <= t i) -> 0 <= t n ->
  (forall i j, 0 <= N i j) ->
  (forall i, \sum_(j < n) N i j <= 1) -> (forall j, \sum_(i < n) N i j <= 1) ->
  \sum_(i < n) s i * (\sum_(j < n) t j * N i j) <= \sum_(i < n) s i * t i.
Proof.
move=> s_dec s0 t_dec t0 N0 rows cols.
apply: (abel_le (c := fun i => \sum_(j < n) t j * N i j)) => // a an.
rewrite exchange_big (sum_widen t an) /=.
rewrite (eq_bigr (fun j : 'I_n => t j * \sum_(i < a) N i j)) => [|j _].
  2: by rewrite mulr_sumr.
rewrite [leRHS](eq_bigr (fun j : 'I_n => t j * (j < a)%:R)) => [|j _]; last first.
  by rewrite mulrC.
apply: (abel_le (c := fun j => \sum_(i < a) N i j)
                (d := fun j => (j < a)%:R)) => //.
move=> b bn; have [ba|ab] := leqP b a.
  apply: ler_sum => j _; rewrite (leq_trans (ltn_ord j) ba).
  exact: le_trans (sum_sub (F := fun i => N i j) an _) (cols j).
rewrite exchange_big /=; apply: (@le_trans _ _ (\sum_(i < a) 1)).
  apply: ler_sum => i _.
  exact: le_trans (sum_sub (F := fun j => N i j) bn _) (rows i).
rewrite (sum_widen (fun=> 1) (ltnW ab)).
by apply: ler_sum => j _; rewrite mulr1.
Qed.

(* Sequences from rows. *)
Definition at0 k (s : 'rV[R]_k) (i : nat) : R :=
  if insub i is Some j then s 0 j else 0.

Lemma at0_ord k (s : 'rV[R]_k) (i : 'I_k) : at0 s i = s 0 i.
Proof. by rewrite /at0 valK. Qed.

Lemma at0_out k (s : 'rV[R]_k) i : (k <= i)%N -> at0 s i = 0.
Proof. by move=> ki; rewrite /at0 insubF // ltnNge ki. Qed.

Lemma at0_ge0 k (s : 'rV[R]_k) i : (forall j, 0 <= s 0 j) -> 0 <= at0 s i.
Proof. by move=> s0; rewrite /at0; case: insub. Qed.

(* A sum over the row is a sum over any longer range. *)
Lemma at0_sum k n (s : 'rV[R]_k) (F : nat -> R -> R) : (k <= n)%N ->
  (forall i, F i 0 = 0) -> \sum_(i < n) F i (at0 s i) = \sum_(i < k) F i (s 0 i).
Proof.
move=> kn F0; rewrite [RHS](eq_bigr (fun i : 'I_k => F i (at0 s i))) => [|i _].
  rewrite (sum_widen (fun i => F i (at0 s i)) kn); apply: eq_bigr => i _.
  by case: ltnP => ki; rewrite ?mul1r // at0_out // F0 mul0r.
by rewrite at0_ord.
Qed.

End Sequences.

Section Matrices.

Variable R : rcfType.

Lemma at0_dec k (s : 'rV[R]_k) i : decreasing s -> (forall j, 0 < s 0 j) ->
  at0 s i.+1 <= at0 s i.
Proof.
move=> dec s0; have [ki|ki] := leqP k i.+1.
  by rewrite at0_out // at0_ge0 // => j; apply: ltW.
rewrite -[i.+1]/(nat_of_ord (Ordinal ki)).
rewrite -[i in leRHS]/(nat_of_ord (Ordinal (ltnW ki))).
by rewrite !at0_ord; apply: dec => /=.
Qed.

(* Matrices, padded with zeros. *)
Definition at2 k l (M : 'M[R]_(k, l)) (i j : nat) : R :=
  if insub i is Some i' then at0 (row i' M) j else 0.

Lemma at2_tr k l (M : 'M[R]_(k, l)) i j : at2 M^T j i = at2 M i j.
Proof.
rewrite /at2 /at0; case: (insub i) => [i'|]; case: (insub j) => [j'|] //.
by rewrite !mxE.
Qed.

Lemma at2_ge0 k l (M : 'M[R]_(k, l)) i j :
  (forall i j, 0 <= M i j) -> 0 <= at2 M i j.
Proof.
move=> M0; rewrite /at2; case: insub => // i'.
by apply: at0_ge0 => l'; rewrite mxE.
Qed.

Lemma at2_sum k l n (M : 'M[R]_(k, l)) i : (l <= n)%N ->
  (forall i, \sum_j M i j <= 1) -> \sum_(j < n) at2 M i j <= 1.
Proof.
move=> ln M1; rewrite /at2; case: insub => [i'|]; last first.
  by rewrite big1 // ler01.
rewrite (at0_sum (F := fun _ x => x) _ ln) //.
by rewrite (le_trans _ (M1 i')) // ler_sum // => j _; rewrite mxE.
Qed.

Lemma inner_sym m k l (A : 'M[R]_(m, k)) (B : 'M[R]_(m, l)) i j :
  (B^T *m A) j i = (A^T *m B) i j.
Proof. by rewrite -[A^T *m B]trmxK trmx_mul trmxK [RHS]mxE. Qed.

(* Bessel's inequality for the columns of U against the columns of P. *)
Lemma bessel m k l (U : 'M[R]_(m, k)) (P : 'M[R]_(m, l)) i :
  U^T *m U = 1%:M -> P^T *m P = 1%:M -> \sum_j (U^T *m P) i j ^+ 2 <= 1.
Proof.
move=> UU PP; pose E : 'M_m := 1%:M - P *m P^T.
have EE : E^T *m E = E.
  have PPP : P *m P^T *m (P *m P^T) = P *m P^T.
    by rewrite mulmxA -(mulmxA P) PP mulmx1.
  rewrite /E [(_ - _)^T]raddfB /= trmx1 trmx_mul trmxK mulmxBl mul1mx mulmxBr.
  by rewrite mulmx1 PPP subrr subr0.
have key : (U^T *m P *m (U^T *m P)^T) i i + ((E *m U)^T *m (E *m U)) i i = 1.
  transitivity ((U^T *m U) i i); last by rewrite UU mxE eqxx.
  rewrite -addmxE; congr (fun_of_matrix _ i i).
  have -> : (E *m U)^T *m (E *m U) = U^T *m (E^T *m E) *m U.
    by rewrite [(E *m U)^T]trmx_mul !mulmxA.
  rewrite EE /E mulmxBr mulmxBl mulmx1 trmx_mul trmxK !mulmxA.
  by rewrite addrC subrK.
have sq : (U^T *m P *m (U^T *m P)^T) i i = \sum_j (U^T *m P) i j ^+ 2.
  by rewrite [LHS]mxE; apply: eq_bigr => j _; rewrite [_^T _ _]mxE expr2.
rewrite -sq -key ler_addl mxE; apply: sumr_ge0 => j _.
by rewrite mxE -expr2 sqr_ge0.
Qed.

Variables (m n k l : nat) (X Y : 'M[R]_(m, n)).
Variables (U : 'M[R]_(m, k)) (s : 'rV[R]_k) (V : 'M[R]_(n, k)).
Variables (P : 'M[R]_(m, l)) (t : 'rV[R]_l) (Q : 'M[R]_(n, l)).
Hypotheses (Xsvd : svd X U s V) (s_dec : decreasing s).
Hypotheses (Ysvd : svd Y P t Q) (t_dec : decreasing t).

Lemma trace_product : \tr (X *m Y^T) =
  \sum_i s 0 i * \sum_j t 0 j * ((U^T *m P) i j * (V^T *m Q) i j).
Proof.
case: Xsvd Ysvd => -> _ _ _ [-> _ _ _].
rewrite !trmx_mul trmxK tr_diag_mx -!mulmxA mxtrace_mulC -!mulmxA.
rewrite !(mulmxA V^T) [diag_mx s *m _]mul_diag_mx /mxtrace.
apply: eq_bigr => i _; rewrite [LHS]mxE; congr (_ * _).
rewrite mul_diag_mx [LHS]mxE; apply: eq_bigr => j _.
rewrite [(\matrix_(_, _) _) _ _]mxE.
by rewrite (inner_sym U P) mulrCA; congr (_ * _); rewrite mulrC.
Qed.

Theorem von_neumann w : (k <= w)%N -> (l <= w)%N ->
  \tr (X *m Y^T) <= \sum_(i < w) at0 s i * at0 t i.
Proof.
move=> kw lw; have [_ UU VV s_gt0] := Xsvd; have [_ PP QQ t_gt0] := Ysvd.
pose N : 'M_(k, l) :=
  \matrix_(i, j) (((U^T *m P) i j ^+ 2 + (V^T *m Q) i j ^+ 2) / 2%:R).
have half (a b : R) : a <= 1 -> b <= 1 -> (a + b) / 2%:R <= 1.
  move=> a1 b1; rewrite ler_pdivr_mulr ?ltr0n // mul1r.
  by rewrite -[2%:R]/(1 + 1) ler_add.
have N0 i j : 0 <= N i j.
  by rewrite mxE divr_ge0 ?ler0n // addr_ge0 ?sqr_ge0.
have rows i : \sum_j N i j <= 1.
  rewrite (eq_bigr (fun j => ((U^T *m P) i j ^+ 2 + (V^T *m Q) i j ^+ 2) / 2%:R));
    last by move=> j _; rewrite mxE.
  by rewrite -mulr_suml big_split /= half // bessel.
have cols j : \sum_i N^T j i <= 1.
  rewrite (eq_bigr (fun i => ((P^T *m U) j i ^+ 2 + (Q^T *m V) j i ^+ 2) / 2%:R)).
    by rewrite -mulr_suml big_split /= half // bessel.
  by move=> i _; rewrite 2!mxE (inner_sym P U) (inner_sym Q V).
have := @rearrangement _ w (at0 s) (at0 t) (at2 N).
have s0 j : 0 <= s 0 j by apply: ltW.
have t0 j : 0 <= t 0 j by apply: ltW.
move=> /(_ (fun i => at0_dec i s_dec s_gt0) (at0_ge0 w s0)).
move=> /(_ (fun i => at0_dec i t_dec t_gt0) (at0_ge0 w t0)).
move=> /(_ (fun i j => at2_ge0 i j N0) (fun i => at2_sum i lw rows)).
have cols' j : \sum_(i < w) at2 N i j <= 1.
  rewrite (eq_bigr (fun i : 'I_w => at2 N^T j i)) => [|i _].
    exact: at2_sum.
  by rewrite at2_tr.
move=> /(_ cols'); apply: le_trans.
rewrite (at0_sum s (F := fun i x => x * (\sum_(j < w) at0 t j * at2 N i j)) kw);
  last by move=> i; rewrite mul0r.
rewrite trace_product; apply: ler_sum => i _.
rewrite ler_pmul2l // /at2 valK.
rewrite (at0_sum t (F := fun j x => x * at0 (row i N) j) lw) => [|j]; last first.
  by rewrite mul0r.
apply: ler_sum => j _; rewrite ler_pmul2l // at0_ord !mxE.
rewrite ler_pdivl_mulr ?ltr0n //.
move: (\sum_j0 _) (\sum_j0 _) => a b.
rewrite -subr_ge0 (_ : _ - _ = (a - b) ^+ 2) ?sqr_ge0 //.
by rewrite mulr_natr mulr2n; ring.
Qed.

Theorem mirsky w : (k <= w)%N -> (l <= w)%N ->
  \sum_(i < w) (at0 s i - at0 t i) ^+ 2 <= normF (X - Y).
Proof.
move=> kw lw; have := von_neumann kw lw.
have [XE UU VV _] := Xsvd; have [YE PP QQ _] := Ysvd.
have nX : normF X = \sum_(i < w) at0 s i ^+ 2.
  rewrite XE normF_frames // (at0_sum s (F := fun _ x => x ^+ 2) kw) //.
  by move=> _; rewrite expr0n.
have nY : normF Y = \sum_(i < w) at0 t i ^+ 2.
  rewrite YE normF_frames // (at0_sum t (F := fun _ x => x ^+ 2) lw) //.
  by move=> _; rewrite expr0n.
have -> : normF (X - Y) = normF X + normF Y - \tr (X *m Y^T) *+ 2.
  rewrite /normF [(X - Y)^T]raddfB /= mulmxBl !mulmxBr !raddfB /=.
  have -> : \tr (Y *m X^T) = \tr (X *m Y^T).
    by rewrite -mxtrace_tr trmx_mul trmxK.
  by rewrite mulr2n; ring.
rewrite nX nY => le.
rewrite (_ : \sum_(i < w) _ = \sum_(i < w) at0 s i ^+ 2 +
  \sum_(i < w) at0 t i ^+ 2 - (\sum_(i < w) at0 s i * at0 t i) *+ 2).
  by rewrite ler_add2l ler_oppl opprK ler_muln2r.
rewrite -sumrMnl -big_split -sumrB /=; apply: eq_bigr => i _.
by rewrite mulr2n; ring.
Qed.

End Matrices.

(* The singular values, in order, are a function of the matrix. *)
Theorem singular_values_unique (R : rcfType) m n k l (X : 'M[R]_(m, n))
    (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k)) (P : 'M[R]_(m, l)) t
    (Q : 'M[R]_(n, l)) :
  svd X U s V -> decreasing s -> svd X P t Q -> decreasing t ->
  k = l /\ forall i, at0 s i = at0 t i.
Proof.
move=> Xs s_dec Xt t_dec; have kl : k = l by rewrite -(svd_rank Xs) (svd_rank Xt).
split=> // i; have [ki|ik] := leqP k i; first by rewrite !at0_out -?kl.
have lk : (l <= k)%N by rewrite kl.
have := mirsky Xs s_dec Xt t_dec (leqnn k) lk.
rewrite subrr /normF mul0mx mxtrace0 => le.
have : \sum_(j < k) (at0 s j - at0 t j) ^+ 2 == 0.
  by rewrite eq_le le sumr_ge0 // => j _; rewrite sqr_ge0.
rewrite psumr_eq0 => [|j _]; last exact: sqr_ge0.
move=> /allP/(_ (Ordinal ik)); rewrite mem_index_enum => /(_ isT).
by rewrite sqrf_eq0 subr_eq0 => /eqP.
Qed.

(* The hypotheses can be met: diag(3, 0) and diag(0, 2). *)
Example trace_instance (R : rcfType) :
  let e (i : 'I_2) : 'cV[R]_2 := delta_mx i 0 in
  [/\ svd (3%:R *: delta_mx 0 0) (e 0) (const_mx 3%:R) (e 0),
      svd (2%:R *: delta_mx 1 1) (e 1) (const_mx 2%:R) (e 1),
      decreasing (const_mx 3%:R : 'rV[R]_1)
    & decreasing (const_mx 2%:R : 'rV[R]_1)].
Proof.
split; [by apply: svd_unit; rewrite ltr0n|by apply: svd_unit; rewrite ltr0n|..];
by move=> i j _; rewrite !mxE.
Qed.
