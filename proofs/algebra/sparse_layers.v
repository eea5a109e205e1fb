(* Claim ICL-33: layers of the sparse family P = diag(B, 1), Q = diag(A, 0)  *)
(* run preconditioned gradient descent with a data-dependent preconditioner. *)
(*                                                                           *)
(* Over any commutative ring R with a scalar t (think 1/N); A k, B k are     *)
(* arbitrary, not necessarily symmetric; m label rows, Q queries, all sizes. *)
(*                                                                           *)
(*  sparse_layer t A B Z == Z + t diag(B, 1) Z M Z^T diag(A, 0) Z            *)
(*  state X Y A B t k    == the pair (G_k, v_k) of the recursion             *)

From mathcomp Require Import all_ssreflect all_algebra.
From SolvableAlgebra Require Import attention_gd.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

Section Sparse.

Variables (R : comRingType) (d m N Q : nat) (t : R).
Implicit Types (X : 'M[R]_(d, N)) (Xq : 'M[R]_(d, Q)).
Implicit Types (Y r : 'M[R]_(m, N)) (rq : 'M[R]_(m, Q)).
Implicit Types (A B G : 'M[R]_d) (v : 'M[R]_(m, d)).

Definition sparse_P B : 'M[R]_(d + m) := block_mx B 0 0 1%:M.
Definition sparse_Q A : 'M[R]_(d + m) := block_mx A 0 0 0.

Definition sparse_layer A B (Z : 'M[R]_(d + m, N + Q)) :=
  masked_layer t (sparse_P B) (sparse_Q A) Z.

(* Lemma A of ICL-33: the block product. *)
Lemma sparse_layer_block A B X Xq r rq :
  sparse_layer A B (prompt X Xq r rq) =
  let step := 1%:M + t *: (B *m X *m X^T *m A) in
  prompt (step *m X) (step *m Xq)
         (r + t *: (r *m X^T *m A *m X)) (rq + t *: (r *m X^T *m A *m Xq)).
Proof.
rewrite /sparse_layer /masked_layer /prompt /sparse_P /sparse_Q /mask.
rewrite tr_block_mx !mulmx_block.
rewrite !(mul0mx, mulmx0, add0r, addr0, mulmx1, mul1mx).
rewrite scale_block_mx add_block_mx /=.
by rewrite !mulmxDl !mul1mx !scalemxAl.
Qed.

(* Lemma B of ICL-33: the shape [G X, G x_q; y - v X, - v x_q] is kept. *)
Lemma sparse_layer_invariant A B X Xq Y G v :
  sparse_layer A B (prompt (G *m X) (G *m Xq) (Y - v *m X) (- (v *m Xq))) =
  let G' := (1%:M + t *: (B *m G *m X *m X^T *m G^T *m A)) *m G in
  let v' := v - t *: ((Y - v *m X) *m X^T *m G^T *m A *m G) in
  prompt (G' *m X) (G' *m Xq) (Y - v' *m X) (- (v' *m Xq)).
Proof.
rewrite sparse_layer_block /= trmx_mul !mulmxA; set e := Y - v *m X.
congr prompt.
  by rewrite [in RHS]mulmxBl opprB addrA addrAC -!scalemxAl ?mulmxA.
by rewrite [in RHS]mulmxBl opprB addrC -!scalemxAl ?mulmxA.
Qed.

Variables (A B : nat -> 'M[R]_d).

Fixpoint sparse_layers K (Z : 'M[R]_(d + m, N + Q)) :=
  if K is k.+1 then sparse_layer (A k) (B k) (sparse_layers k Z) else Z.

Fixpoint state X Y K : 'M[R]_d * 'M[R]_(m, d) :=
  if K is k.+1 then
    let: (G, v) := state X Y k in
    ((1%:M + t *: (B k *m G *m X *m X^T *m G^T *m A k)) *m G,
     v - t *: ((Y - v *m X) *m X^T *m G^T *m A k *m G))
  else (1%:M, 0).

(* ICL-33, theorem: the prediction of the K-layer model is v_K x_q. *)
Theorem sparse_layers_are_preconditioned_descent X Xq Y K :
  sparse_layers K (prompt X Xq Y 0) =
  let: (G, v) := state X Y K in
  prompt (G *m X) (G *m Xq) (Y - v *m X) (- (v *m Xq)).
Proof.
elim: K => [|K /= ->].
  by rewrite /= !mul1mx !mul0mx subr0 oppr0.
by case: (state X Y K) => G v; rewrite sparse_layer_invariant.
Qed.

(* Column form. With w = v^T, S = t X X^T and b = t X Y^T, the recursion is  *)
(* w' = w - G^T A^T G (b - S w): descent preconditioned by - G^T A^T G.      *)
Theorem sparse_column_form X Y K :
  let S := t *: (X *m X^T) in
  let b := t *: (X *m Y^T) in
  let: (G, v) := state X Y K in
  let: (G', v') := state X Y K.+1 in
  v'^T = v^T - G^T *m (A K)^T *m G *m (b - S *m v^T) /\
  G' = (1%:M + B K *m (G *m S *m G^T) *m A K) *m G.
Proof.
move=> S b /=; case: (state X Y K) => G v; split; last first.
  by rewrite /S -scalemxAr -!scalemxAl -scalemxAr -!scalemxAl ?mulmxA.
rewrite linearB /= linearZ /= !trmx_mul !trmxK linearB /= trmx_mul.
rewrite /b /S -scalemxAl -scalerBr -scalemxAr !mulmxA.
by rewrite mulmxBr !mulmxBr !mulmxA.
Qed.

(* If every B k = 0 the inputs never change, and the model is preconditioned *)
(* descent with the fixed matrices - A_k^T.                                  *)
Theorem sparse_without_B X Y K : (forall k, B k = 0) ->
  (state X Y K).1 = 1%:M /\
  (state X Y K.+1).2 = (state X Y K).2
      - t *: ((Y - (state X Y K).2 *m X) *m X^T *m A K).
Proof.
move=> B0; have G1 k : (state X Y k).1 = 1%:M.
  elim: k => [//|k] /=; case: (state X Y k) => G v /= ->.
  by rewrite B0 !mul0mx scaler0 addr0 mulmx1.
split=> //=; move: (G1 K); case: (state X Y K) => G v /= ->.
by rewrite trmx1 !mulmx1.
Qed.

End Sparse.

(* The last B is irrelevant for the prediction. *)
Theorem sparse_last_B (R : comRingType) d m N t (A B B' : nat -> 'M[R]_d)
    (X : 'M[R]_(d, N)) (Y : 'M[R]_(m, N)) K :
  (forall k, (k < K)%N -> B k = B' k) ->
  (state t A B X Y K.+1).2 = (state t A B' X Y K.+1).2.
Proof.
move=> eqB; have -> /= : state t A B X Y K.+1 =
    let: (G, v) := state t A B' X Y K in
    ((1%:M + t *: (B K *m G *m X *m X^T *m G^T *m A K)) *m G,
     v - t *: ((Y - v *m X) *m X^T *m G^T *m A K *m G)).
  rewrite /=; suff -> : state t A B X Y K = state t A B' X Y K by [].
  elim: K eqB => [//|K IH] eqB /=.
  by rewrite IH ?eqB // => k /ltnW kK; apply: eqB.
by case: (state t A B' X Y K).
Qed.

(* The hypotheses of the last two results can be met. *)
Example zero_B (R : comRingType) d :
  let B : nat -> 'M[R]_d := fun=> 0 in forall k, B k = 0.
Proof. by []. Qed.
