(* Claims NC-20 and NC-09: balancedness of neighbouring factors, at every    *)
(* depth and for any loss of the end-to-end product.                         *)
(*                                                                           *)
(* The factors W 0, W 1, ... have sizes d m.+1 x d m; W 0 is the feature     *)
(* matrix (d 0 samples). The objective is loss(product) + sum lam_m/2 |W_m|^2*)
(* and G is the gradient of the loss at the product, any matrix.             *)
(*                                                                           *)
(*    below W m == W m.-1 *m ... *m W 0                                      *)
(*  above W k m == the product of the k factors W m, ..., ending above       *)
(*    far k m   == k + m, computing so that `above` typechecks               *)
(*  layer_gradient W k m G == gradient of the loss with respect to W m in a  *)
(*                 network with k layers above layer m                       *)
(*    gap W m   == (W m.+1)^T W m.+1 - W m (W m)^T                           *)
(*                                                                           *)
(* Time derivatives: a derivation D of the commutative ring of functions of  *)
(* time (additive, Leibniz). Smooth functions on an interval, polynomials,   *)
(* formal power series are instances.                                        *)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

Fixpoint far k m := if k is k'.+1 then far k' m.+1 else m.

Lemma farE k m : far k m = (k + m)%N.
Proof. by elim: k m => //= k IH m; rewrite IH addnS. Qed.

Section Network.

Variables (R : comRingType) (d : nat -> nat).
Variable W : forall m, 'M[R]_(d m.+1, d m).

Fixpoint below m : 'M[R]_(d m, d 0) :=
  if m is m'.+1 then W m' *m below m' else 1%:M.

Fixpoint above k m : 'M[R]_(d (far k m), d m) :=
  if k is k'.+1 then above k' m.+1 *m W m else 1%:M.

(* Cutting the network anywhere: layers above times layers below. *)
Lemma above_below k m : above k m *m below m = below (far k m).
Proof.
by elim: k m => [|k IH] m /=; rewrite ?mul1mx // -mulmxA -IH.
Qed.

Definition layer_gradient k m (G : 'M[R]_(d (far k m.+1), d 0)) :
    'M[R]_(d m.+1, d m) :=
  (above k m.+1)^T *m G *m (below m)^T.

(* The chain rule. Replacing W m by W m + H changes the product by           *)
(* above H below, and the first-order change of the loss, <G, above H below>,*)
(* equals <layer_gradient, H>.                                               *)
Lemma perturbed_product k m (H : 'M[R]_(d m.+1, d m)) :
  above k m.+1 *m (W m + H) *m below m =
  below (far k m.+1) + above k m.+1 *m H *m below m.
Proof. by rewrite mulmxDr mulmxDl -above_below /= !mulmxA. Qed.

Lemma chain_rule k m G (H : 'M[R]_(d m.+1, d m)) :
  \tr (G^T *m (above k m.+1 *m H *m below m)) =
  \tr ((layer_gradient G)^T *m H).
Proof.
by rewrite /layer_gradient !trmx_mul !trmxK !mulmxA mxtrace_mulC !mulmxA.
Qed.

(* The identity behind everything: neighbouring gradients are linked. *)
Lemma linked_gradients k m (G : 'M[R]_(d (far k m.+2), d 0)) :
  (W m.+1)^T *m layer_gradient (k := k) G =
  layer_gradient (k := k.+1) G *m (W m)^T.
Proof. by rewrite /layer_gradient /= !trmx_mul !mulmxA. Qed.

Definition gap m := (W m.+1)^T *m W m.+1 - W m *m (W m)^T.

(* NC-09. At every critical point of the regularised objective, whatever the *)
(* loss and the depth.                                                       *)
Theorem critical_points_are_balanced (lam : nat -> R) k m
    (G : 'M[R]_(d (far k m.+2), d 0)) :
  layer_gradient (k := k) G + lam m.+1 *: W m.+1 = 0 ->
  layer_gradient (k := k.+1) G + lam m *: W m = 0 ->
  lam m.+1 *: ((W m.+1)^T *m W m.+1) = lam m *: (W m *m (W m)^T).
Proof.
move=> /addr0_eq g1 /addr0_eq g0; have := linked_gradients G.
by rewrite -[layer_gradient _]opprK g1 -[layer_gradient _ in RHS]opprK g0
  mulmxN mulNmx -scalemxAr -scalemxAl => /oppr_inj.
Qed.

End Network.

Section Flow.

Variables (R : comRingType) (D : {additive R -> R}).
Hypothesis leibniz : forall a b, D (a * b) = D a * b + a * D b.

Lemma derive_mulmx p q r (A : 'M[R]_(p, q)) (B : 'M[R]_(q, r)) :
  map_mx D (A *m B) = map_mx D A *m B + A *m map_mx D B.
Proof.
apply/matrixP=> i j; rewrite !mxE raddf_sum -big_split /=.
by apply: eq_bigr => l _; rewrite !mxE leibniz.
Qed.

Lemma derive_tr p q (A : 'M[R]_(p, q)) : map_mx D A^T = (map_mx D A)^T.
Proof. by apply/matrixP=> i j; rewrite !mxE. Qed.

Variables (d : nat -> nat) (W : forall m, 'M[R]_(d m.+1, d m)).
Variable lam : nat -> R.

(* NC-20, general regularisation, every depth k + m + 2, every pair of       *)
(* neighbours, any loss.                                                     *)
Theorem balancedness_law k m (G : 'M[R]_(d (far k m.+2), d 0)) :
  map_mx D (W m.+1) = - (layer_gradient W (k := k) G + lam m.+1 *: W m.+1) ->
  map_mx D (W m) = - (layer_gradient W (k := k.+1) G + lam m *: W m) ->
  map_mx D (gap W m) =
  - (lam m.+1 *: ((W m.+1)^T *m W m.+1)) *+ 2
  + (lam m *: (W m *m (W m)^T)) *+ 2.
Proof.
move=> flow1 flow0; rewrite /gap raddfB /= !derive_mulmx !derive_tr flow1 flow0.
have := linked_gradients W G.
move: (layer_gradient W (k := k) G) (layer_gradient W (k := k.+1) G).
move=> g1 g0 link; have linkT : g1^T *m W m.+1 = W m *m g0^T.
  by rewrite -[LHS]trmxK trmx_mul trmxK link trmx_mul trmxK.
have velT p q (l : R) (g w : 'M[R]_(p, q)) :
    (- (g + l *: w))^T = - (g^T + l *: w^T).
  by rewrite raddfN raddfD /= linearZ.
rewrite !velT !mulNmx !mulmxN !mulmxDl !mulmxDr linkT link -!scalemxAl -!scalemxAr.
move: (W m *m g0^T) (g0 *m _) => a b.
move: (lam m.+1 *: _) (lam m *: _) => p q.
rewrite !mulr2n; apply/matrixP=> i j; rewrite !mxE; ring.
Qed.

(* NC-20 as stated: equal regularisation mu of the two layers. *)
Corollary balancedness_equal mu k m (G : 'M[R]_(d (far k m.+2), d 0)) :
  lam m.+1 = mu -> lam m = mu ->
  map_mx D (W m.+1) = - (layer_gradient W (k := k) G + lam m.+1 *: W m.+1) ->
  map_mx D (W m) = - (layer_gradient W (k := k.+1) G + lam m *: W m) ->
  map_mx D (gap W m) = - (mu *+ 2) *: gap W m.
Proof.
move=> l1 l0 flow1 flow0; rewrite (balancedness_law flow1 flow0) l1 l0 /gap.
by rewrite scalerBr !scaleNr !mulr2n !scalerDl opprK opprD.
Qed.

End Flow.

(* The hypotheses can be met: in polynomials of T with D = T d/dT (time is   *)
(* log T), two 1 x 1 layers equal to T follow the flow of the loss           *)
(* - (product) without regularisation: both layers move, the gap is constant.*)
Definition euler (p : {poly int}) : {poly int} := 'X * p^`().

Fact euler_additive : additive euler.
Proof. by move=> p q; rewrite /euler derivB mulrBr. Qed.

Canonical euler_additive_map := Additive euler_additive.

Example balancedness_instance :
  let D : {additive {poly int} -> {poly int}} := euler_additive_map in
  let W := fun _ : nat => ('X%:M : 'M[{poly int}]_1) in
  let G : 'M[{poly int}]_1 := (- 1)%:M in
  [/\ forall a b, D (a * b) = D a * b + a * D b,
      map_mx D (W 1%N) =
        - (layer_gradient (d := fun=> 1%N) W (k := 0) (m := 1) G + 0 *: W 1%N),
      map_mx D (W 0%N) =
        - (layer_gradient (d := fun=> 1%N) W (k := 1) (m := 0) G + 0 *: W 0%N)
    & map_mx D (W 0%N) != 0].
Proof.
rewrite /layer_gradient /=; split=> [a b|||].
- by rewrite /euler derivM; ring.
- apply/matrixP=> i j; rewrite !(mxE, big_ord1) !ord1 /euler !derivX /=; ring.
- apply/matrixP=> i j; rewrite !(mxE, big_ord1) !ord1 /euler !derivX /=; ring.
- apply/eqP=> /matrixP/(_ 0 0); rewrite !mxE /euler derivX mulr1 => /eqP.
  by rewrite polyX_eq0.
Qed.

(* A critical point that is not zero: one-dimensional layers W = 2 with unit *)
(* regularisation and loss gradient -1.                                      *)
Example critical_instance :
  let W := fun _ : nat => (2%:R%:M : 'M[int]_1) in
  let G : 'M[int]_1 := (- 1)%:M in
  layer_gradient (d := fun=> 1%N) W (k := 0) (m := 1) G + 1 *: W 1%N = 0 /\
  layer_gradient (d := fun=> 1%N) W (k := 1) (m := 0) G + 1 *: W 0%N = 0.
Proof.
by rewrite /layer_gradient /=; split; apply/matrixP=> i j;
  rewrite !(mxE, big_ord1) !ord1 /=.
Qed.
