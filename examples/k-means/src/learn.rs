//! Learning a mini-batch (Sculley, "Web-scale k-means clustering"): each point goes to its nearest center, each center
//! to the mean of all points that it ever had. The first batch chooses the centers: k-means++ (Arthur and
//! Vassilvitskii), several times, and the best after a few rounds of Lloyd's algorithm.

use crate::model::Model;
use crate::random::Random;

/// How often the first centers are chosen; the best choice counts.
const STARTS: u32 = 5;
/// Candidates for each of the first centers; the one that leaves the least distance is taken.
const CANDIDATES: u32 = 4;
/// Rounds of Lloyd's algorithm over the first batch.
const ROUNDS: u32 = 20;

/// How to learn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) k: usize,
    pub(crate) batch_points: usize,
    pub(crate) seed: u64,
}

/// Learns the points that wait.
pub(crate) fn batch(model: &mut Model, plan: &Plan) {
    let points = std::mem::take(&mut model.waiting);
    if model.counts.is_empty() {
        model.centers = first_centers(&points, model.dimensions, plan);
        model.counts = vec![0; plan.k];
    }
    let shares = Shares::of(&points, &model.centers, model.dimensions);
    model.spread = shares.inertia / (points.len() / model.dimensions) as f64;
    let centers = model.centers.chunks_exact_mut(model.dimensions).zip(&mut model.counts);
    for ((center, count), (sum, new)) in
        centers.zip(shares.sums.chunks_exact(model.dimensions).zip(&shares.counts))
    {
        let all = *count + new;
        if *new > 0 {
            for (number, sum) in center.iter_mut().zip(sum) {
                *number = (*number * *count as f64 + sum) / all as f64;
            }
        }
        *count = all;
    }
}

/// What falls to each center.
struct Shares {
    sums: Vec<f64>,
    counts: Vec<u64>,
    /// The squared distances of all points from their centers, added up.
    inertia: f64,
}

impl Shares {
    fn of(points: &[f64], centers: &[f64], dimensions: usize) -> Self {
        let mut shares = Self {
            sums: vec![0.0; centers.len()],
            counts: vec![0; centers.len() / dimensions],
            inertia: 0.0,
        };
        for point in points.chunks_exact(dimensions) {
            let (nearest, distance) = nearest(point, centers);
            shares.inertia += distance;
            shares.counts[nearest] += 1;
            let sum = &mut shares.sums[nearest * dimensions..][..dimensions];
            sum.iter_mut().zip(point).for_each(|(sum, number)| *sum += number);
        }
        shares
    }
}

/// The place of the nearest center, of equally near ones the first, and its squared distance.
fn nearest(point: &[f64], centers: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (i, center) in centers.chunks_exact(point.len()).enumerate() {
        let distance = squared_distance(point, center);
        if distance < best.1 {
            best = (i, distance);
        }
    }
    best
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn first_centers(points: &[f64], dimensions: usize, plan: &Plan) -> Vec<f64> {
    let mut random = Random::new(plan.seed);
    let mut best = (Vec::new(), f64::INFINITY);
    for _ in 0..STARTS {
        let mut centers = spread_out(points, dimensions, plan.k, &mut random);
        for _ in 0..ROUNDS {
            centers = means(&centers, &Shares::of(points, &centers, dimensions), dimensions);
        }
        let inertia = Shares::of(points, &centers, dimensions).inertia;
        if inertia < best.1 || best.0.is_empty() {
            best = (centers, inertia);
        }
    }
    best.0
}

/// A round of Lloyd's algorithm: a center without points stays where it is.
fn means(centers: &[f64], shares: &Shares, dimensions: usize) -> Vec<f64> {
    let mut means = centers.to_vec();
    for ((mean, sum), count) in
        means.chunks_exact_mut(dimensions).zip(shares.sums.chunks_exact(dimensions)).zip(&shares.counts)
    {
        if *count > 0 {
            mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean = sum / *count as f64);
        }
    }
    means
}

/// k-means++: a point becomes a center with a probability that grows with its squared distance from those before.
fn spread_out(points: &[f64], dimensions: usize, k: usize, random: &mut Random) -> Vec<f64> {
    let count = points.len() / dimensions;
    let point = |i: usize| &points[i * dimensions..][..dimensions];
    let first = (random.fraction() * count as f64) as usize;
    let mut centers = point(first.min(count - 1)).to_vec();
    let mut distances: Vec<f64> = (0..count).map(|i| squared_distance(point(i), &centers)).collect();
    for _ in 1..k {
        let mut best: Option<(usize, Vec<f64>, f64)> = None;
        for _ in 0..CANDIDATES {
            let candidate = choose(&distances, random);
            let left: Vec<f64> = distances
                .iter()
                .enumerate()
                .map(|(i, distance)| distance.min(squared_distance(point(i), point(candidate))))
                .collect();
            let sum = left.iter().sum();
            if best.as_ref().is_none_or(|(_, _, least)| sum < *least) {
                best = Some((candidate, left, sum));
            }
        }
        if let Some((chosen, left, _)) = best {
            centers.extend_from_slice(point(chosen));
            distances = left;
        }
    }
    centers
}

/// A place, with a probability that is its weight.
fn choose(weights: &[f64], random: &mut Random) -> usize {
    let mut left = random.fraction() * weights.iter().sum::<f64>();
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return i;
        }
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { k: 3, batch_points: 30, seed: 1 };

    #[test]
    fn centers_are_the_means_of_clusters_far_apart() {
        let mut model = Model::new(2);
        for i in 0..90_u32 {
            let (cluster, shift) = (f64::from(i % 3), f64::from(i % 5) - 2.0);
            model.waiting.extend([100.0 * cluster + shift, -50.0 * cluster + shift]);
            if model.waiting_points() == PLAN.batch_points {
                batch(&mut model, &PLAN);
            }
        }
        let mut found: Vec<_> =
            model.centers().map(|(at, count)| (at[0].round(), at[1].round(), count)).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(found, [(0.0, 0.0, 30), (100.0, -50.0, 30), (200.0, -100.0, 30)]);
        assert!((model.spread - 4.0).abs() < 1.0, "{}", model.spread);
    }

    #[test]
    fn fewer_different_points_than_centers_are_no_problem() {
        let mut model = Model::new(1);
        model.waiting = vec![7.0; 30];
        batch(&mut model, &PLAN);
        assert_eq!(model.centers, [7.0; 3]);
        assert_eq!(model.counts, [30, 0, 0]);
    }
}
