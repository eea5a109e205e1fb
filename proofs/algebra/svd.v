(* No claim: singular value decomposition over any real closed field. Used by*)
(* least_regularisation (NC-01) and collapse_minimum (NC-04).                *)
(*                                                                           *)
(*   svd X U s V == X = U diag(s) V^T, s > 0, orthonormal columns            *)
(*   decreasing s == s_0 >= s_1 >= ...                                       *)
(*                                                                           *)
(* One singular pair from an eigenvector of X^T X in the row space of X (the *)
(* complex eigenvalue is real because X^T X is symmetric), then X minus this *)
(* pair, of lower rank. The values are put in order at the end.              *)

From mathcomp Require Import all_ssreflect all_fingroup all_algebra.
From mathcomp Require Import complex.
From mathcomp Require Import ring.
From SolvableAlgebra Require Import psd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Svd.

Variable R : rcfType.

Definition svd m n k (X : 'M[R]_(m, n)) (U : 'M[R]_(m, k)) (s : 'rV[R]_k)
    (V : 'M[R]_(n, k)) :=
  [/\ X = U *m diag_mx s *m V^T, U^T *m U = 1%:M, V^T *m V = 1%:M
    & forall j, 0 < s 0 j].

Definition decreasing k (s : 'rV[R]_k) :=
  forall i j : 'I_k, (i <= j)%N -> s 0 j <= s 0 i.

Local Notation re := (@complex.Re R).
Local Notation im := (@complex.Im R).

(* A complex eigenvector, real and imaginary part. *)
Lemma complex_eigenvector r (B : 'M[R]_r) : (0 < r)%N ->
  exists a b : R, exists x y : 'rV[R]_r,
    [/\ x *m B = a *: x - b *: y, y *m B = a *: y + b *: x
      & (x != 0) || (y != 0)].
Proof.
move=> r_gt0; pose BC := map_mx (real_complex R) B.
have [|c] := @closed_rootP _ (char_poly BC) _.
  by rewrite size_char_poly eqSS -lt0n.
rewrite -eigenvalue_root_char => /eigenvalueP[v vB v0].
exists (re c), (im c), (map_mx re v), (map_mx im v).
have entry j : \sum_k v 0 k * BC k j = c * v 0 j.
  by have /rowP/(_ j) := vB; rewrite !mxE.
split.
- apply/rowP=> j; have := congr1 re (entry j).
  rewrite !mxE raddf_sum /=.
  rewrite (eq_bigr (fun k => (map_mx re v) 0 k * B k j)) => [->|k _].
    by case: c (v 0 j) {vB entry} => [a b] [p q].
  by rewrite !mxE; case: (v 0 k) => p q /=; rewrite mulr0 subr0.
- apply/rowP=> j; have := congr1 im (entry j).
  rewrite !mxE raddf_sum /=.
  rewrite (eq_bigr (fun k => (map_mx im v) 0 k * B k j)) => [->|k _].
    by case: c (v 0 j) {vB entry} => [a b] [p q].
  by rewrite !mxE; case: (v 0 k) => p q /=; rewrite mulr0 add0r.
apply: contraNT v0; rewrite negb_or !negbK => /andP[/eqP x0 /eqP y0].
apply/eqP/rowP=> j; have /rowP/(_ j) := x0; have /rowP/(_ j) := y0.
by rewrite !mxE; case: (v 0 j) => p q /= -> ->.
Qed.

Lemma row_form_ge0 n (x : 'rV[R]_n) : 0 <= (x *m x^T) 0 0.
Proof.
by rewrite mxE; apply: sumr_ge0 => i _; rewrite mxE -expr2 sqr_ge0.
Qed.

Lemma row_form_eq0 n (x : 'rV[R]_n) : (x *m x^T) 0 0 = 0 -> x = 0.
Proof.
move=> e; apply: trmx_inj; rewrite trmx0; apply: quad1_eq0.
by rewrite /quad mulmx1 trmxK.
Qed.

(* A symmetric matrix has a real eigenvector in every stable row space. *)
Lemma real_eigenvector n (A : 'M[R]_n) m (X : 'M[R]_(m, n)) :
  A^T = A -> X != 0 -> (X *m A <= X)%MS ->
  exists a : R, exists w : 'rV[R]_n, [/\ w *m A = a *: w, (w <= X)%MS & w != 0].
Proof.
move=> AT X0 XA; pose C := row_base X; pose B := C *m A *m pinvmx C.
have CX : (C :=: X)%MS by apply: eq_row_base.
have CA : B *m C = C *m A.
  by rewrite mulmxKpV // (eqmxMr _ CX) CX.
have r_gt0 : (0 < \rank X)%N by rewrite lt0n mxrank_eq0.
have [a [b [x [y [xB yB xy0]]]]] := complex_eigenvector B r_gt0.
pose p := x *m C; pose q := y *m C.
have pA : p *m A = a *: p - b *: q.
  by rewrite /p -mulmxA -CA mulmxA xB mulmxBl -!scalemxAl.
have qA : q *m A = a *: q + b *: p.
  by rewrite /q -mulmxA -CA mulmxA yB mulmxDl -!scalemxAl.
have freeC : row_free C by apply: row_base_free.
have pq0 : (p != 0) || (q != 0).
  move: xy0; congr (_ || _); rewrite /p /q.
    by congr negb; rewrite -[x == 0](inj_eq (row_free_inj freeC)) mul0mx.
  by congr negb; rewrite -[y == 0](inj_eq (row_free_inj freeC)) mul0mx.
have inX z : (z *m C <= X)%MS by rewrite -CX submxMl.
have pX : (p <= X)%MS by apply: inX.
have qX : (q <= X)%MS by apply: inX.
clearbody p q.
have b0 : b = 0.
  have sym : (p *m A *m q^T) 0 0 = (q *m A *m p^T) 0 0.
    have tr11 (T : 'M[R]_1) : T 0 0 = T^T 0 0 by rewrite mxE.
    by rewrite tr11 !trmx_mul trmxK AT mulmxA.
  have pq : (p *m q^T) 0 0 = (q *m p^T) 0 0.
    have tr11 (T : 'M[R]_1) : T 0 0 = T^T 0 0 by rewrite mxE.
    by rewrite tr11 !trmx_mul trmxK.
  move: sym; rewrite pA qA mulmxBl mulmxDl -!scalemxAl.
  rewrite !(addmxE, oppmxE, scalemxE) pq => /addrI /eqP.
  rewrite eq_sym -addr_eq0 -mulrDr mulf_eq0 => /orP[/eqP//|].
  rewrite paddr_eq0 ?row_form_ge0 // => /andP[/eqP/row_form_eq0 p0].
  by move=> /eqP/row_form_eq0 q0; move: pq0; rewrite p0 q0 eqxx.
move: pA qA; rewrite b0 !scale0r subr0 addr0 => pA qA.
by case/orP: pq0 => [p0|q0]; [exists a, p | exists a, q].
Qed.

Lemma singular_pair m n (X : 'M[R]_(m, n)) : X != 0 ->
  exists u : 'cV[R]_m, exists v : 'cV[R]_n, exists s : R,
    [/\ X *m v = s *: u, X^T *m u = s *: v, u^T *m u = 1%:M, v^T *m v = 1%:M
      & 0 < s].
Proof.
move=> X0; have AT : (X^T *m X)^T = X^T *m X by rewrite trmx_mul trmxK.
have stable : (X *m (X^T *m X) <= X)%MS by rewrite mulmxA submxMl.
have [a [w [wA wX w0]]] := real_eigenvector AT X0 stable.
pose N := (w *m w^T) 0 0; pose y := w *m X^T.
have N_gt0 : 0 < N.
  rewrite lt_neqAle row_form_ge0 andbT eq_sym.
  by apply: contraNneq w0 => /row_form_eq0 ->.
have yy : (y *m y^T) 0 0 = a * N.
  by rewrite /y trmx_mul trmxK !mulmxA -(mulmxA w) wA -scalemxAl scalemxE.
have a_gt0 : 0 < a.
  rewrite -(pmulr_lgt0 _ N_gt0) -yy lt_neqAle row_form_ge0 andbT eq_sym.
  apply: contraTneq N_gt0 => /row_form_eq0 y0; rewrite -leNgt.
  have [z wE] := submxP wX; rewrite /N {1}wE -mulmxA.
  have -> : X *m w^T = y^T by rewrite trmx_mul trmxK.
  by rewrite y0 trmx0 mulmx0 mxE.
pose s := Num.sqrt a; have s_gt0 : 0 < s by rewrite sqrtr_gt0.
have ss : s ^+ 2 = a by rewrite sqr_sqrtr // ltW.
pose t := Num.sqrt N; have t_gt0 : 0 < t by rewrite sqrtr_gt0.
have tt : t ^+ 2 = N by rewrite sqr_sqrtr // ltW.
have wT : X^T *m X *m w^T = a *: w^T.
  apply: trmx_inj; rewrite [RHS]linearZ /= [LHS]trmx_mul AT !trmxK.
  exact: wA.
exists ((s * t)^-1 *: (X *m w^T)), (t^-1 *: w^T), s; split=> //.
- by rewrite -scalemxAr scalerA invfM mulrA divff ?gt_eqF // mul1r.
- rewrite -scalemxAr mulmxA wT !scalerA; congr (_ *: _).
  by rewrite -ss; field; rewrite ?gt_eqF.
- apply: mx11E; rewrite [(_ *: _)^T]linearZ /= -scalemxAl -scalemxAr scalerA.
  have -> : (X *m w^T)^T *m (X *m w^T) = y *m y^T.
    by rewrite !trmx_mul !trmxK.
  by rewrite scalemxE yy -ss -tt mxE eqxx mulr1n; field; rewrite ?gt_eqF.
apply: mx11E; rewrite [(_ *: _)^T]linearZ /= -scalemxAl -scalemxAr scalerA.
by rewrite trmxK scalemxE -/N -tt mxE eqxx mulr1n; field; rewrite gt_eqF.
Qed.

Lemma svd_lr m n k p (X : 'M[R]_(m, n)) (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k))
    (v : 'M[R]_(n, p)) :
  svd X U s V -> X *m v = 0 -> V^T *m v = 0.
Proof.
case=> -> UU _ s_gt0 Xv.
have : diag_mx s *m (V^T *m v) = 0.
  transitivity (U^T *m (U *m diag_mx s *m V^T *m v)); last by rewrite Xv mulmx0.
  by rewrite !mulmxA UU mul1mx.
move: (V^T *m v) => z; rewrite mul_diag_mx => /matrixP e; apply/matrixP=> i j.
have := e i j; rewrite !mxE => /eqP.
by rewrite mulf_eq0 gt_eqF //= => /eqP.
Qed.

Lemma svd_tr m n k (X : 'M[R]_(m, n)) (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k)) :
  svd X U s V -> svd X^T V s U.
Proof.
by case=> -> UU VV s_gt0; split=> //; rewrite !trmx_mul trmxK tr_diag_mx mulmxA.
Qed.

Lemma svd_exists m n (X : 'M[R]_(m, n)) :
  exists k (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k)), svd X U s V.
Proof.
have [r] := ubnP (\rank X); elim: r m n X => // r IH m n X.
have [->|X0] := eqVneq X 0.
  exists 0%N, 0, 0, 0; split; [|by apply/matrixP=> -[]..|by case].
  by rewrite mul0mx mul0mx.
rewrite ltnS => X_le; have [u [v [s [Xv Xu uu vv s_gt0]]]] := singular_pair X0.
pose Y := X - s *: (u *m v^T).
have Yv : Y *m v = 0 by rewrite mulmxBl -scalemxAl -mulmxA vv mulmx1 Xv subrr.
have Yu : Y^T *m u = 0.
  rewrite [Y^T]raddfB /= [(_ *: _)^T]linearZ /= trmx_mul trmxK mulmxBl.
  by rewrite -scalemxAl -mulmxA uu mulmx1 Xu subrr.
have vT : v^T = s^-1 *: (u^T *m X).
  apply: trmx_inj; rewrite [RHS]linearZ /= trmx_mul !trmxK Xu scalerA.
  by rewrite mulVf ?scale1r // gt_eqF.
have YX : (Y < X)%MS.
  rewrite ltmxE; apply/andP; split.
    rewrite addmx_sub ?submx_refl // -scaleN1r scalemx_sub // scalemx_sub //.
    by rewrite vT -scalemxAr scalemx_sub // mulmxA submxMl.
  apply/negP => /submxP[D XD]; move: Xv; rewrite XD -mulmxA Yv mulmx0.
  move=> /esym/eqP; rewrite scalemx_eq0 gt_eqF //= => /eqP u0.
  move: uu; rewrite u0 mulmx0 => /esym/eqP.
  by rewrite -[1%:M]/(1 : 'M_1) oner_eq0.
have [k [U [t [V Ysvd]]]] := IH _ _ Y (leq_trans (rank_ltmx YX) X_le).
have Vv := svd_lr Ysvd Yv; have Uu := svd_lr (svd_tr Ysvd) Yu.
case: Ysvd => YE UU VV t_gt0.
exists (1 + k)%N, (row_mx u U), (row_mx s%:M t), (row_mx v V); split.
- rewrite diag_mx_row mul_row_block !mulmx0 add0r addr0 tr_row_mx mul_row_col.
  rewrite -YE; have -> : diag_mx (s%:M : 'rV[R]_1) = s%:M.
    by apply: mx11E; rewrite !mxE.
  by rewrite mul_mx_scalar -scalemxAl addrC subrK.
- rewrite tr_row_mx mul_col_row uu UU Uu.
  by rewrite -[u^T *m U]trmxK trmx_mul trmxK Uu trmx0 -scalar_mx_block.
- rewrite tr_row_mx mul_col_row vv VV Vv.
  by rewrite -[v^T *m V]trmxK trmx_mul trmxK Vv trmx0 -scalar_mx_block.
move=> j; rewrite mxE; case: splitP => i _ //.
by rewrite ord1 mxE eqxx mulr1n.
Qed.

(* In decreasing order. *)
Lemma svd_sorted m n (X : 'M[R]_(m, n)) :
  exists k (U : 'M[R]_(m, k)) s (V : 'M[R]_(n, k)), svd X U s V /\ decreasing s.
Proof.
have [k [U [s [V [XE UU VV s_gt0]]]]] := svd_exists X.
pose t := [tuple s 0 j | j < k]; pose ge := fun x y : R => y <= x.
have ge_trans : transitive ge by move=> y x z xy yz; apply: le_trans yz xy.
have ge_total : total ge by move=> x y; apply: le_total.
have /tuple_permP[p pE] : perm_eq (sort ge t) t by rewrite perm_sort.
have sp j : s 0 (p j) = nth 0 (sort ge t) j.
  by rewrite pE -tnth_nth tnth_mktuple tnth_mktuple.
have orth q (A : 'M[R]_(q, k)) : A^T *m A = 1%:M ->
    (col_perm p A)^T *m col_perm p A = 1%:M.
  move=> AA; apply/matrixP=> i j; have /matrixP/(_ (p i) (p j)) := AA.
  by rewrite !mxE (inj_eq perm_inj) => <-; apply: eq_bigr => l _; rewrite !mxE.
exists k, (col_perm p U), (col_perm p s), (col_perm p V); split; last first.
  move=> i j ij; rewrite !mxE !sp.
  have sorted_t := sort_sorted ge_total t.
  have := @sorted_leq_nth _ ge ge_trans (@lexx _ R) 0 _ sorted_t i j.
  by rewrite !inE size_sort size_tuple !ltn_ord; apply.
split; [|exact: orth|exact: orth|by move=> j; rewrite mxE].
rewrite {1}XE; apply/matrixP=> i j; rewrite !mul_mx_diag [LHS]mxE [RHS]mxE.
rewrite [LHS](reindex_inj (@perm_inj _ p)); apply: eq_bigr => l _.
by rewrite !mxE.
Qed.

(* Roots, by the intermediate value property. *)
Lemma root_exists L (a : R) : (0 < L)%N -> 0 <= a ->
  exists2 q, 0 <= q & q ^+ L = a.
Proof.
move=> L_gt0 a0; have b0 : 0 <= a + 1 by rewrite addr_ge0 ?ler01.
have [|q /andP[q0 _] /rootP] := @poly_ivt _ ('X^L - a%:P) _ _ b0.
  rewrite !hornerE !hornerXn expr0n gtn_eqF // mulr0n sub0r oppr_le0 a0 /=.
  rewrite subr_ge0; apply: (@le_trans _ _ (a + 1)).
    by rewrite ler_addl ler01.
  by rewrite ler_eexpr // ler_addr.
by rewrite !hornerE hornerXn => /eqP; rewrite subr_eq0 => /eqP; exists q.
Qed.

End Svd.
